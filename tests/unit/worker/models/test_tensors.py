"""Named tensors and their files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from db.errors import ModelError
from worker.models import tensors

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LIMIT = 1 << 20


def test_digest_ignores_the_order_of_names() -> None:
    """The hash depends on what the tensors are, not on the order in which they are given."""
    a, b = np.zeros(2, np.float32), np.ones((2, 1), np.float32)
    assert tensors.digest({"a": a, "b": b}) == tensors.digest({"b": b, "a": a})


def test_digest_sees_names_shapes_and_values() -> None:
    """A change of a name, a shape or a value changes the hash."""
    flat, column = np.zeros(2, np.float32), np.zeros((2, 1), np.float32)
    other = np.array([0, 1], np.float32)
    variants: list[dict[str, NDArray[np.float32]]] = [
        {"a": flat},
        {"b": flat},
        {"a": column},
        {"a": other},
    ]
    hashes = [tensors.digest(variant) for variant in variants]
    assert len(set(hashes)) == 4


def test_digest_sees_types() -> None:
    """The same numbers in another type are something else."""
    kinds = (np.uint8, np.uint64, np.float32)
    assert len({tensors.digest({"a": np.zeros(8, kind)}) for kind in kinds}) == 3
    assert tensors.digest({"a": np.zeros(8, "<u8")}) == tensors.digest({"a": np.zeros(8, ">u8")})


def test_saved_tensors_are_read_back(tmp_path: Path) -> None:
    """What is saved comes back bit by bit, and no draft is left beside it."""
    values = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    tensors.save({"a": values.T}, tmp_path / "deep" / "file.safetensors")
    loaded = tensors.load(tmp_path / "deep" / "file.safetensors", limit=LIMIT)
    np.testing.assert_array_equal(loaded["a"], values.T)
    assert len(list((tmp_path / "deep").iterdir())) == 1


@pytest.mark.parametrize("content", [b"", b"garbage" * 20, b"\xff" * 64])
def test_a_damaged_file_is_a_model_error(tmp_path: Path, content: bytes) -> None:
    """Bytes that are no safetensors file raise one clear error."""
    path = tmp_path / "file.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="cannot be read"):
        tensors.load(path, limit=LIMIT)


def test_a_missing_file_is_a_model_error(tmp_path: Path) -> None:
    """A file that is not there raises the same error as a damaged one."""
    with pytest.raises(ModelError, match="cannot be read"):
        tensors.load(tmp_path / "none", limit=LIMIT)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    """The limit holds before anything is loaded."""
    path = tmp_path / "file.safetensors"
    tensors.save({"a": np.zeros(1000, np.float32)}, path)
    with pytest.raises(ModelError, match="larger"):
        tensors.load(path, limit=100)


def test_numbers_must_be_finite(tmp_path: Path) -> None:
    """A tensor with a NaN is refused."""
    path = tmp_path / "file.safetensors"
    tensors.save({"a": np.array([np.nan], np.float32)}, path)
    with pytest.raises(ModelError, match="finite"):
        tensors.load(path, limit=LIMIT)


def test_other_types_must_be_asked_for(tmp_path: Path) -> None:
    """Whole numbers are refused where weights are expected, and read where they are allowed."""
    path = tmp_path / "file.safetensors"
    tensors.save({"a": np.arange(3, dtype=np.uint64)}, path)
    with pytest.raises(ModelError, match="float32"):
        tensors.load(path, limit=LIMIT)
    loaded = tensors.load(path, limit=LIMIT, dtypes=(np.dtype(np.uint64),))
    assert loaded["a"].tolist() == [0, 1, 2]
