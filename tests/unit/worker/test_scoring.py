"""Scoring: faces to embeddings and predictions, in full batches and in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from db.records import Box, Crop, StoredFace
from tests.drawing import plain_png
from worker.scoring import Scorer, rescore

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tests.unit.worker.conftest import MeanEmbedder
    from worker.models.live import Model


def grey(value: int) -> NDArray[np.uint8]:
    """A face of one colour."""
    return np.full((96, 96, 3), value, np.uint8)


def embedded(model: Model) -> list[int]:
    """The sizes of the batches that the model was given."""
    return cast("MeanEmbedder", model.embedder).batches


@pytest.mark.parametrize("count", [0, 1, 4, 5, 11])
def test_scores_come_in_the_order_of_the_faces(
    small_model: Callable[..., Model], count: int
) -> None:
    """However many faces come, and however they fall into batches, each gets its own score."""
    scorer = Scorer(small_model(1))
    for value in range(count):
        scorer.add([grey(value)])
    scores = scorer.finish()
    vectors = [np.frombuffer(vector or b"", "<f2")[0] for vector, _ in scores]
    assert vectors == list(range(count))
    confidences = [said.confidence for _, said in scores if said is not None]
    assert confidences == [value / 256 for value in range(count)]


def test_faces_are_embedded_in_full_batches(small_model: Callable[..., Model]) -> None:
    """A batch is embedded as soon as it is full, and the rest at the end."""
    model = small_model(1)
    scorer = Scorer(model)
    scorer.add([grey(0)] * 3)
    assert embedded(model) == []
    scorer.add([grey(0)] * 6)
    assert embedded(model) == [4, 4]
    scorer.finish()
    assert embedded(model) == [4, 4, 1]


def test_without_a_model_faces_stay_open() -> None:
    """Detecting only leaves embeddings and predictions for later."""
    scorer = Scorer(None)
    scorer.add([grey(0)] * 3)
    assert scorer.finish() == [(None, None)] * 3


def test_stored_embeddings_are_classified_as_they_are(small_model: Callable[..., Model]) -> None:
    """A face with an embedding is not embedded again, and nothing new is stored of it."""
    model = small_model(1)
    vector = np.array([64, 0, 0], "<f2").tobytes()
    (face,) = rescore([StoredFace(7, vector, None)], model)
    assert (face.face_id, face.embedding, face.prediction.confidence) == (7, None, 0.25)
    assert embedded(model) == []


def test_faces_without_an_embedding_get_one_from_their_crop(
    small_model: Callable[..., Model],
) -> None:
    """A new embedder works from stored crops; its embeddings are stored for next time."""
    model = small_model(1)
    crop = Crop(plain_png(), Box(10, 10, 50, 30))
    faces = rescore([StoredFace(number, None, crop) for number in range(6)], model)
    assert [face.face_id for face in faces] == list(range(6))
    assert embedded(model) == [4, 2]
    white = np.array([255, 255, 255], "<f2").tobytes()
    assert [face.embedding for face in faces] == [white] * 6


def test_a_face_of_which_nothing_is_stored_is_left_out(small_model: Callable[..., Model]) -> None:
    """Without embedding and crop there is nothing to classify."""
    assert rescore([StoredFace(1, None, None)], small_model(1)) == ()
