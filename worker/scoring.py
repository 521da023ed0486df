"""Faces to embeddings and predictions, in full batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from db.records import Rescored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from db.records import Prediction, StoredFace
    from worker.models.live import Model

    Score = tuple[bytes | None, Prediction | None]


class Scorer:
    """Embeds and classifies faces as soon as they fill a batch.

    Args:
        model: None leaves embeddings and predictions open.
    """

    def __init__(self, model: Model | None) -> None:
        self._model = model
        self._waiting: list[NDArray[np.uint8]] = []
        self._scores: list[Score] = []

    def add(self, faces: Sequence[NDArray[np.uint8]]) -> None:
        """Take faces; uint8 (size, size, 3) each, RGB."""
        if self._model is None:
            self._scores += [(None, None)] * len(faces)
            return
        self._waiting += faces
        batch = self._model.embedder.batch
        while len(self._waiting) >= batch:
            self._score(self._model, batch)

    def finish(self) -> list[Score]:
        """Embedding (float16 bytes, little-endian) and prediction of every face, in order."""
        if self._model is not None and self._waiting:
            self._score(self._model, len(self._waiting))
        return self._scores

    def _score(self, model: Model, count: int) -> None:
        faces, self._waiting = self._waiting[:count], self._waiting[count:]
        embeddings = model.embedder.embed(np.stack(faces))
        vectors = [row.astype("<f2").tobytes() for row in embeddings]
        self._scores += zip(vectors, model.head.predict(embeddings), strict=True)


def rescore(faces: Sequence[StoredFace], model: Model) -> tuple[Rescored, ...]:
    """Classify stored faces that the model has not seen, from embeddings, else from crops."""
    from worker.vision.crop import face_input

    vectors = {face.id: face.embedding for face in faces if face.embedding is not None}
    rescored = []
    if vectors:
        stored = np.stack([np.frombuffer(vector, "<f2") for vector in vectors.values()])
        predictions = model.head.predict(stored)
        rescored += [
            Rescored(face_id, None, prediction)
            for face_id, prediction in zip(vectors, predictions, strict=True)
        ]
    bare = [(face.id, face.crop) for face in faces if face.crop is not None]
    scorer = Scorer(model)
    for _, crop in bare:
        scorer.add([face_input(crop, size=model.embedder.spec.size)])
    for (face_id, _), (vector, prediction) in zip(bare, scorer.finish(), strict=True):
        if prediction is not None:
            rescored.append(Rescored(face_id, vector, prediction))
    return tuple(rescored)
