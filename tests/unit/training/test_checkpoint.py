"""Where long work on a network goes on after it was killed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from training.checkpoint import Checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def test_a_state_comes_back(tmp_path: Path) -> None:
    """Arrays of any type and notes are read as they were saved, until they are removed."""
    checkpoint = Checkpoint(tmp_path / "new" / "one.safetensors")
    assert checkpoint.load() is None
    arrays: dict[str, NDArray[Any]] = {
        "weights/0000": np.ones((2, 3), np.float32),
        "memory/0000": np.array(7, np.int64),
    }
    checkpoint.save(arrays, notes={"history": [{"epoch": 1, "loss": 0.1}]})
    loaded = checkpoint.load()
    assert loaded is not None
    assert loaded[0].keys() == arrays.keys()
    for name, values in arrays.items():
        np.testing.assert_array_equal(loaded[0][name], values, strict=True)
    assert loaded[1] == {"history": [{"epoch": 1, "loss": 0.1}]}
    checkpoint.remove()
    assert not list(checkpoint.path.parent.iterdir())


def test_a_damaged_state_is_none(tmp_path: Path) -> None:
    """What is left of a full disk or another program's file does not stop a training."""
    path = tmp_path / "one.safetensors"
    Checkpoint(path).save({"weights/0000": np.ones(100, np.float32)}, notes={})
    whole_file = path.read_bytes()
    for damage in (b"", b"garbage", whole_file[:-50]):
        path.write_bytes(damage)
        assert Checkpoint(path).load() is None
