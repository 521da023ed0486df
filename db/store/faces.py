"""Faces: which await a prediction, and the label that stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import aliased

from db.records import Box, Crop, StoredFace
from db.store.models import active_version
from db.store.upsert import chunks
from db.tables import (
    Annotation,
    EmbedderName,
    Embedding,
    Face,
    FaceCrop,
    PredictionRow,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection, Row, SQLColumnExpression


def unscored(
    connection: Connection, detection_ids: Sequence[int], *, version_id: int, embedder: str
) -> Iterator[StoredFace]:
    """Faces of the detections without a prediction by the version.

    Each comes with its embedding by `embedder`, or with its crop where it has none.
    """
    scored = select(PredictionRow.face_id).where(
        PredictionRow.face_id == Face.id, PredictionRow.version_id == version_id
    )
    number = select(EmbedderName.id).where(EmbedderName.name == embedder).scalar_subquery()
    vector = and_(Embedding.face_id == Face.id, Embedding.embedder_id == number)
    query = (
        select(Face.id, Embedding.vector)
        .outerjoin(Embedding, vector)
        .where(~scored.exists())
        .order_by(Face.id)
    )
    for some in chunks(detection_ids):
        rows = connection.execute(query.where(Face.detection_id.in_(some))).all()
        bare = crops(connection, [row.id for row in rows if row.vector is None])
        for row in rows:
            yield StoredFace(id=row.id, embedding=row.vector, crop=bare.get(row.id))


def crop(connection: Connection, face_id: int) -> Crop | None:
    """The stored crop of a face."""
    return crops(connection, [face_id]).get(face_id)


def crops(connection: Connection, face_ids: Sequence[int]) -> dict[int, Crop]:
    """The stored crops of many faces by face id, in few queries."""
    found: dict[int, Crop] = {}
    for some in chunks(face_ids):
        rows = connection.execute(select(FaceCrop).where(FaceCrop.face_id.in_(some)))
        found.update((row.face_id, _crop(row)) for row in rows)
    return found


def standing_version(face_id: SQLColumnExpression[int]) -> ColumnElement[int]:
    """The version whose prediction of a face stands: the active one, else the newest earlier.

    Looked up for each face by the key of predictions: a window over many of them, joined to their
    faces, is a table without an index to SQLite, which it goes through once for each face.
    """
    by_active, by_any = aliased(PredictionRow), aliased(PredictionRow)
    active = select(by_active.version_id).where(
        by_active.face_id == face_id, by_active.version_id == active_version()
    )
    newest = select(func.max(by_any.version_id)).where(by_any.face_id == face_id)
    return func.coalesce(active.scalar_subquery(), newest.scalar_subquery())


def predicted(
    connection: Connection, face_ids: Sequence[int]
) -> dict[int, tuple[str, float, bool]]:
    """The prediction that stands by face id: label, confidence, and whether it is unknown."""
    columns = (PredictionRow.label, PredictionRow.confidence, PredictionRow.unknown)
    query = select(PredictionRow.face_id, *columns).where(
        PredictionRow.version_id == standing_version(PredictionRow.face_id)
    )
    found: dict[int, tuple[str, float, bool]] = {}
    for some in chunks(face_ids):
        rows = connection.execute(query.where(PredictionRow.face_id.in_(some)))
        for face_id, label, confidence, unknown in rows:
            found[face_id] = (label, confidence, bool(unknown))
    return found


def is_denied(denial: type[Annotation], label: SQLColumnExpression[str]) -> ColumnElement[bool]:
    """Whether an annotation says that the face is not the label; at most one of each face does.

    A label that a person denied does not stand: the face counts as unknown.
    """
    return and_(denial.face_id == Face.id, denial.kind == "is_not", denial.label == label)


def _crop(row: Row[*tuple[Any, ...]]) -> Crop:
    return Crop(jpeg=row.jpeg, inner=Box(row.x0, row.y0, row.x1, row.y1))
