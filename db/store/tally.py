"""What an archive holds: counts, and the faces and images to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, not_, or_, select
from sqlalchemy.orm import aliased

from db.records import Box, FacelessImage, LabelledFace, Outcome, Tally
from db.store.faces import is_denied, said_by_people, standing
from db.tables import Annotation, Face, Image, Preview

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Row, Select, Subquery

    from db.records import RunRecord


def count(connection: Connection, run: RunRecord) -> Tally:
    """Counts over every file that the run has seen."""
    rows = connection.execute(
        select(Image.outcome, func.count()).where(Image.run_id == run.id).group_by(Image.outcome)
    )
    images = dict(rows.all())
    contents = connection.execute(
        select(func.count(Image.content_id.distinct())).where(Image.run_id == run.id)
    ).scalar_one()
    labels, unknown, unscored = _labels(connection, run)
    return Tally(
        images=sum(images.values()),
        contents=contents,
        faces=sum(labels.values()) + unknown + unscored,
        labels=labels,
        unknown=unknown,
        unscored=unscored,
        with_face=images.get(Outcome.FACES, 0),
        no_face=images.get(Outcome.NO_FACE, 0),
        unreadable=images.get(Outcome.UNREADABLE, 0),
        quarantined=images.get(Outcome.QUARANTINED, 0),
        pending=images.get(None, 0),
    )


def labelled_faces(connection: Connection, run: RunRecord) -> Iterator[LabelledFace]:
    """The archive's faces: by label, then the most certain first; unknown and unscored last.

    A face without a confidence, of which a person spoke, comes after the others of its label.
    """
    faces = _faces(run)
    query = select(faces).order_by(
        faces.c.label.is_(None),
        faces.c.unknown,
        faces.c.label,
        # SQLite takes NULL for the least value, PostgreSQL for the greatest.
        faces.c.confidence.is_(None),
        faces.c.confidence.desc(),
        faces.c.id,
    )
    for row in connection.execution_options(yield_per=1000).execute(query):
        yield _labelled(row)


def faceless_images(
    connection: Connection, run: RunRecord, outcome: Outcome
) -> Iterator[FacelessImage]:
    """The archive's images of an outcome without faces, by reason, then in the walk's order."""
    query = (
        select(Image.id, Image.path, Image.reason, Image.detail, Preview.jpeg)
        .outerjoin(Preview, Preview.detection_id == Image.detection_id)
        .where(Image.run_id == run.id, Image.outcome == outcome)
        .order_by(Image.reason, Image.path)
    )
    for row in connection.execution_options(yield_per=1000).execute(query):
        yield FacelessImage(
            id=row.id,
            path=row.path,
            outcome=outcome,
            reason=row.reason,
            detail=row.detail,
            preview=row.jpeg,
        )


def reasons(connection: Connection, run: RunRecord, outcome: Outcome) -> dict[str | None, int]:
    """The archive's images of an outcome by reason, in the order of `faceless_images`."""
    rows = connection.execute(
        select(Image.reason, func.count())
        .where(Image.run_id == run.id, Image.outcome == outcome)
        .group_by(Image.reason)
        .order_by(Image.reason)
    )
    return dict(rows.all())


def _labels(connection: Connection, run: RunRecord) -> tuple[dict[str, int], int, int]:
    faces = _faces(run)
    rows = connection.execute(
        select(faces.c.label, faces.c.unknown, func.count()).group_by(
            faces.c.label, faces.c.unknown
        )
    )
    labels: dict[str, int] = {}
    unknown = unscored = 0
    for label, is_unknown, number in rows:
        if label is None:
            unscored += number
        elif is_unknown:
            unknown += number
        else:
            labels[label] = number
    return dict(sorted(labels.items())), unknown, unscored


def _faces(run: RunRecord) -> Subquery:
    """The faces of the run's contents, each once, with the label that stands."""
    shown = _shown(run).subquery()
    predicted, said, denied = standing(), said_by_people(), aliased(Annotation)
    unheard = and_(said.c.label.is_(None), denied.id.is_(None))
    query = (
        select(
            Face.id,
            Image.path,
            Face.x0,
            Face.y0,
            Face.x1,
            Face.y1,
            Face.detector,
            func.coalesce(said.c.label, predicted.c.label).label("label"),
            case((unheard, predicted.c.confidence)).label("confidence"),
            and_(said.c.label.is_(None), or_(predicted.c.unknown, denied.id.is_not(None))).label(
                "unknown"
            ),
            predicted.c.stale,
            not_(unheard).label("annotated"),
        )
        .select_from(shown)
        .join(Image, Image.id == shown.c.image_id)
        .join(Face, Face.detection_id == shown.c.detection_id)
        .outerjoin(predicted, predicted.c.face_id == Face.id)
        .outerjoin(said, said.c.face_id == Face.id)
        .outerjoin(denied, is_denied(denied, predicted.c.label))
        .where(func.coalesce(said.c.no_face, 0) == 0)
    )
    return query.subquery()


def _shown(run: RunRecord) -> Select[*tuple[Any, ...]]:
    """The run's detections with faces, each with the first image that shows its bytes."""
    return (
        select(Image.detection_id, func.min(Image.id).label("image_id"))
        .where(Image.run_id == run.id, Image.outcome == Outcome.FACES)
        .group_by(Image.detection_id)
    )


def _labelled(row: Row[*tuple[Any, ...]]) -> LabelledFace:
    return LabelledFace(
        id=row.id,
        path=row.path,
        box=Box(row.x0, row.y0, row.x1, row.y1),
        detector=row.detector,
        label=row.label,
        confidence=row.confidence,
        unknown=bool(row.unknown),
        stale=bool(row.stale) and not row.annotated,
        annotated=bool(row.annotated),
    )
