"""Faces to embeddings and predictions, in full batches."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING

import numpy as np

from db.errors import UnreadableImageError
from db.records import Rescored
from db.store.upsert import chunks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from db.records import Crop, Prediction, StoredFace
    from db.store.spans import PredictionColumns
    from worker.models.live import Model

    Score = tuple[bytes | None, Prediction | None]

logger = logging.getLogger(__name__)


class Scorer:
    """Embeds and classifies faces as soon as they fill a batch.

    Args:
        model: None leaves embeddings and predictions open.

    Attributes:
        seconds: how long each batch took.
    """

    def __init__(self, model: Model | None) -> None:
        self.seconds: list[float] = []
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
        started = time.perf_counter()
        embeddings = model.embedder.embed(np.stack(faces))
        self._scores += zip(_vectors(embeddings), model.head.predict(embeddings), strict=True)
        self.seconds.append(time.perf_counter() - started)


def rescore(faces: Sequence[StoredFace], model: Model) -> tuple[Rescored, ...]:
    """Classify stored faces that the model has not seen, from embeddings, else from crops.

    Args:
        faces: each with its embedding, or its crop, or nothing.
        model: that shall see them.

    Returns:
        New embeddings and predictions; faces of which nothing can be used are left out.
    """
    known = [(face.id, face.embedding) for face in faces if face.embedding is not None]
    bare = {face.id: face.crop for face in faces if face.crop is not None}
    embedded, left_out = embed_stored(list(bare), bare, model)
    for reason in left_out:
        logger.warning("%s", reason)
    return (
        *_rescored(known, model, are_new=False),
        *_rescored(embedded, model, are_new=True),
    )


def embed_stored(
    face_ids: Sequence[int], crops: Mapping[int, Crop], model: Model
) -> tuple[list[tuple[int, bytes]], list[str]]:
    """Embed faces from their stored crops.

    Args:
        face_ids: in this order.
        crops: by face id; a face without one cannot be embedded.
        model: whose embedder is used.

    Returns:
        (face id, embedding: float16, little-endian) of each face that could be embedded, and one
        line for each other face.
    """
    embedded: list[tuple[int, bytes]] = []
    left_out: list[str] = []
    for some in chunks(face_ids, model.embedder.batch):
        inputs = {}
        for number in some:
            try:
                inputs[number] = _stored_input(crops.get(number), size=model.embedder.spec.size)
            except UnreadableImageError as error:
                left_out.append(f"face {number} is left out: {error.detail}")
        if inputs:
            vectors = _vectors(model.embedder.embed(np.stack(list(inputs.values()))))
            embedded += zip(inputs, vectors, strict=True)
    return embedded, left_out


def stored_vectors(vectors: Sequence[bytes]) -> NDArray[np.float16]:
    """Embeddings as they are stored, side by side.

    Args:
        vectors: at least one; float16, little-endian, all of one length.

    Returns:
        float16 (n, d).
    """
    return np.frombuffer(b"".join(vectors), "<f2").reshape(len(vectors), -1)


def prediction_rows(
    model: Model, face_ids: Sequence[int], embeddings: NDArray[np.float16]
) -> list[PredictionColumns]:
    """Classify many faces without an object for each.

    Args:
        model: gives version and head.
        face_ids: n.
        embeddings: float16 (n, d).

    Returns:
        Rows as they are stored, of the same numbers as `Head.predict` gives.
    """
    head, version_id = model.head, model.version_id
    names = [json.dumps(label) for label in head.labels]
    columns, confidences = head.scores(embeddings)
    rows = []
    # Python's own numbers and strings: a million times over, NumPy's take four times as long.
    for face_id, best, sure in zip(face_ids, columns.tolist(), confidences.tolist(), strict=True):
        top = ", ".join([f"[{names[i]}, {share!r}]" for i, share in zip(best, sure, strict=True)])
        unknown = sure[0] < head.threshold
        rows.append((face_id, version_id, head.labels[best[0]], sure[0], unknown, f"[{top}]"))
    return rows


def _rescored(
    embedded: Sequence[tuple[int, bytes]], model: Model, *, are_new: bool
) -> Iterator[Rescored]:
    if not embedded:
        return
    predictions = model.head.predict(stored_vectors([vector for _, vector in embedded]))
    for (face_id, vector), prediction in zip(embedded, predictions, strict=True):
        yield Rescored(face_id, vector if are_new else None, prediction)


def _stored_input(crop: Crop | None, *, size: int) -> NDArray[np.uint8]:
    from worker.vision.crop import face_input

    if crop is None:
        raise UnreadableImageError("missing", "neither an embedding nor a crop of it is stored")
    return face_input(crop, size=size)


def _vectors(embeddings: NDArray[np.float16]) -> list[bytes]:
    return [row.astype("<f2").tobytes() for row in embeddings]
