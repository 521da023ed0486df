"""What an artifact brings along to be checked with."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from db.errors import ModelError
from tests.models import evidence_of, golden_faces, small_head
from worker.models import tensors
from worker.models.evidence import TOLERANCE, Evidence, prove
from worker.models.live import Model

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from worker.vision.embed import Embedder


class MeanColours:
    """Embeds a face as the mean of each of its colours, from 0 to 1."""

    def embed(self, faces: NDArray[np.uint8]) -> NDArray[np.float16]:
        """float16 (n, 3)."""
        return np.asarray(faces.mean(axis=(1, 2)) / 255, np.float16)


def ready() -> tuple[Model, Evidence]:
    """A model that gives what its evidence says."""
    head, embedder = small_head(3), MeanColours()
    golden = np.stack([np.full((96, 96, 3), shade, np.uint8) for shade in (0, 90, 250)])
    said = head.confidences(embedder.embed(golden))
    evidence = evidence_of(head, golden=golden, confidences=said)
    return Model(1, cast("Embedder", embedder), head), evidence


def test_evidence_is_read_back(tmp_path: Path) -> None:
    """Every part comes back bit by bit, with its type."""
    evidence = evidence_of(small_head())
    evidence.save(tmp_path / "e.safetensors")
    loaded = Evidence.load(tmp_path / "e.safetensors")
    for field in fields(Evidence):
        before, after = getattr(evidence, field.name), getattr(loaded, field.name)
        assert before.dtype == after.dtype
        np.testing.assert_array_equal(before, after)
    assert loaded.digest == evidence.digest


def test_a_file_of_other_tensors_is_refused(tmp_path: Path) -> None:
    """A head is no evidence."""
    tensors.save({"weight": np.zeros((3, 2), np.float32)}, tmp_path / "e.safetensors")
    with pytest.raises(ModelError, match="holds"):
        Evidence.load(tmp_path / "e.safetensors")


@pytest.mark.parametrize(
    "change",
    [
        {"golden": np.zeros((0, 96, 96, 3), np.uint8)},
        {"golden": golden_faces(count=17)},
        {"golden": np.zeros((2, 96, 80, 3), np.uint8)},
        {"golden": np.zeros(3, np.uint8)},
        {"golden": np.zeros((2, 96, 96, 3), np.float32)},
        {"confidences": np.zeros((3, 2), np.float32)},
        {"trained": np.array([2, 1], np.uint64)},
        {"trained": np.array([1, 2], np.float32)},
    ],
)
def test_parts_must_fit(change: dict[str, Any]) -> None:
    """Evidence of wrong shapes, types or order cannot be made."""
    with pytest.raises(ValueError, match=r".+"):
        replace(evidence_of(small_head()), **change)


def test_a_sound_model_proves_itself() -> None:
    """A model that computes what it computed at its training passes."""
    prove(*ready())


def test_small_differences_are_let_pass() -> None:
    """Another device may round otherwise."""
    model, evidence = ready()
    moved = (evidence.confidences * np.float32(1 - TOLERANCE / 2)).astype(np.float32)
    prove(model, replace(evidence, confidences=moved))


def test_a_model_that_computes_something_else_fails() -> None:
    """Other weights than at the training are noticed, and the error says what to do."""
    model, evidence = ready()
    other = small_head(3, seed=1)
    with pytest.raises(ModelError, match=r"golden face .* train again"):
        prove(replace(model, head=other), evidence)
