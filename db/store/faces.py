"""Faces: which await a prediction, and the label that stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, select

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

    from sqlalchemy import ColumnElement, Connection, Row, Subquery


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


def standing() -> Subquery:
    """Of every face, the prediction that stands: the active version's, else the newest earlier.

    A window over the primary key (face, version) reads each prediction once.
    """
    active = active_version()
    by_active_then_newest = (
        case((PredictionRow.version_id == active, 0), else_=1),
        PredictionRow.version_id.desc(),
    )
    ranked = select(
        PredictionRow.face_id,
        PredictionRow.label,
        PredictionRow.confidence,
        PredictionRow.unknown,
        (PredictionRow.version_id != active).label("stale"),
        func.row_number()
        .over(partition_by=PredictionRow.face_id, order_by=by_active_then_newest)
        .label("place"),
    ).subquery()
    return select(ranked).where(ranked.c.place == 1).subquery()


def said_by_people() -> Subquery:
    """Of every annotated face, the label that a person gave it, and whether it is no face."""
    is_label = func.max(case((Annotation.kind == "is", Annotation.label))).label("label")
    no_face = func.max(case((Annotation.kind == "not_a_face", 1), else_=0)).label("no_face")
    return select(Annotation.face_id, is_label, no_face).group_by(Annotation.face_id).subquery()


def is_denied(denial: type[Annotation], label: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether an annotation says that the face is not the label; at most one of each face does.

    A label that a person denied does not stand: the face counts as unknown.
    """
    return and_(denial.face_id == Face.id, denial.kind == "is_not", denial.label == label)


def _crop(row: Row[*tuple[Any, ...]]) -> Crop:
    return Crop(jpeg=row.jpeg, inner=Box(row.x0, row.y0, row.x1, row.y1))
