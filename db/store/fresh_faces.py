"""Faces that a job found: with crop, embedding and prediction, each stored once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from db.store.models import embedder_number
from db.store.upsert import chunks, insert_missing
from db.tables import Embedding, Face, FaceCrop, PredictionRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from db.records import FaceResult, JobResult, Prediction, Rescored


def store(connection: Connection, detections: Mapping[bytes, int], result: JobResult) -> None:
    """Store the new faces of a result with all that is known of them.

    Args:
        connection: in a transaction that may write.
        detections: by hash, those that nobody else has stored; other contents are left alone.
        result: of a labelling job.
    """
    fresh = {
        (detections[content.content.sha256], index): face
        for content in result.contents
        if content.content.sha256 in detections
        for index, face in enumerate(content.faces)
    }
    if not fresh:
        return
    _insert_faces(connection, fresh)
    ids = _face_ids(connection, {detection for detection, _ in fresh})
    stored = [(ids[key], face) for key, face in fresh.items()]
    crops = [_crop_row(face_id, face) for face_id, face in stored]
    insert_missing(connection, FaceCrop, crops, key=("face_id",))
    embeddings = [(face_id, face.embedding) for face_id, face in stored]
    _embeddings(connection, result.embedder, embeddings)
    predictions = [(face_id, face.prediction) for face_id, face in stored]
    _predictions(connection, result.version_id, predictions)


def rescore(connection: Connection, result: JobResult) -> None:
    """Store what a job says of faces that were there before."""
    faces: Sequence[Rescored] = result.rescored
    _embeddings(connection, result.embedder, [(face.face_id, face.embedding) for face in faces])
    _predictions(connection, result.version_id, [(face.face_id, face.prediction) for face in faces])


def _insert_faces(connection: Connection, faces: Mapping[tuple[int, int], FaceResult]) -> None:
    """Store faces under (detection id, index)."""
    rows = [
        {
            "detection_id": detection_id,
            "index": index,
            "x0": face.face.box.x0,
            "y0": face.face.box.y0,
            "x1": face.face.box.x1,
            "y1": face.face.box.y1,
            "detector": face.face.detector,
            "score": face.face.score,
        }
        for (detection_id, index), face in faces.items()
    ]
    insert_missing(connection, Face, rows, key=("detection_id", "index"))


def _face_ids(connection: Connection, detections: Iterable[int]) -> dict[tuple[int, int], int]:
    found: dict[tuple[int, int], int] = {}
    for some in chunks(sorted(detections)):
        rows = connection.execute(
            select(Face.id, Face.detection_id, Face.index).where(Face.detection_id.in_(some))
        )
        found.update(((detection_id, index), face_id) for face_id, detection_id, index in rows)
    return found


def _crop_row(face_id: int, face: FaceResult) -> dict[str, Any]:
    inner = face.crop.inner
    return {
        "face_id": face_id,
        "jpeg": face.crop.jpeg,
        "x0": inner.x0,
        "y0": inner.y0,
        "x1": inner.x1,
        "y1": inner.y1,
    }


def _embeddings(
    connection: Connection, embedder: str | None, vectors: Iterable[tuple[int, bytes | None]]
) -> None:
    if embedder is None:
        return
    number = embedder_number(connection, embedder)
    rows = [
        {"face_id": face_id, "embedder_id": number, "vector": vector}
        for face_id, vector in vectors
        if vector is not None
    ]
    insert_missing(connection, Embedding, rows, key=("face_id",))


def _predictions(
    connection: Connection,
    version_id: int | None,
    predictions: Iterable[tuple[int, Prediction | None]],
) -> None:
    rows = [
        {
            "face_id": face_id,
            "version_id": version_id,
            "label": prediction.label,
            "confidence": prediction.confidence,
            "unknown": prediction.unknown,
            "top": json.dumps(prediction.top),
        }
        for face_id, prediction in predictions
        if prediction is not None
    ]
    insert_missing(connection, PredictionRow, rows, key=("face_id",))
