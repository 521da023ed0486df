"""A survey of an archive's faces: the label that stands of each, however many there are.

Faces are looked through by ranges of their ids: a query over all of them would sort a million rows
that nobody wants to see, and take seconds in which the database does nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, not_, or_, select
from sqlalchemy.orm import aliased

from db.records import AnnotationKind, Box, LabelledFace, Outcome
from db.store import extent
from db.store.faces import is_denied, standing_version
from db.store.models import active_version
from db.store.upsert import chunks
from db.tables import Annotation, Face, Image, PredictionRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import (
        ColumnElement,
        Connection,
        Row,
        ScalarSelect,
        SQLColumnExpression,
        Subquery,
    )

    from db.records import RunRecord
    from db.store.extent import Extent

    # Which faces are meant, told of a column that holds their ids.
    Which = Callable[[SQLColumnExpression[int]], ColumnElement[bool]]

# Faces that one query looks at: some tenths of a second.
_SPAN = 25_000

# A face in short: its id, the label that stands, whether it is none of the known ones, and how
# sure the model is, where its word counts.
Brief = tuple[int, str | None, bool, float | None]


def counts(
    connection: Connection, run: RunRecord, *, within: Extent
) -> dict[tuple[str | None, bool], int]:
    """How many faces of a run's contents there are by label that stands, and by being unknown.

    A label of None is that of faces which no model has seen.
    """
    found: dict[tuple[str | None, bool], int] = {}
    for which in _spans(connection, within):
        faces = _faces(run, which)
        columns = (faces.c.label, faces.c.unknown)
        query = select(*columns, func.count()).group_by(*columns)
        for label, unknown, number in connection.execute(query):
            key = (label, bool(unknown))
            found[key] = found.get(key, 0) + number
    return found


def briefs(connection: Connection, run: RunRecord, *, within: Extent) -> Iterator[Brief]:
    """The faces of a run's contents, each once, in the order of their ids."""
    for which in _spans(connection, within):
        faces = _faces(run, which)
        columns = (faces.c.id, faces.c.label, faces.c.unknown, faces.c.confidence)
        for face_id, label, unknown, confidence in connection.execute(select(*columns)):
            yield face_id, label, bool(unknown), confidence


def labelled(
    connection: Connection, run: RunRecord, face_ids: Sequence[int]
) -> dict[int, LabelledFace]:
    """Faces of a run's contents as people are shown them, by id; others are left out."""
    found: dict[int, LabelledFace] = {}
    for some in chunks(face_ids):
        rows = connection.execute(select(_faces(run, _among(some)))).all()
        paths = _paths(connection, [row.image_id for row in rows])
        found.update((row.id, _labelled(row, paths[row.image_id])) for row in rows)
    return found


def _paths(connection: Connection, image_ids: Sequence[int]) -> dict[int, bytes]:
    rows = connection.execute(select(Image.id, Image.path).where(Image.id.in_(image_ids)))
    return dict(rows.all())


def _spans(connection: Connection, within: Extent) -> Iterator[Which]:
    """Ranges of ids that together hold the faces of a run's contents, in order."""
    if within.detections is None:
        return
    # Both at once, and not as the first and the last row of the key, which may be far from here.
    ids = select(func.min(Face.id), func.max(Face.id), func.count())
    shown = ids.where(Face.detection_id.between(*within.detections))
    first, last, number = connection.execute(shown).one()
    for span in extent.cut((first, last), _SPAN) if number else ():
        yield _between(*span)


def _between(first: int, last: int) -> Which:
    return lambda face_id: face_id.between(first, last)


def _among(face_ids: Sequence[int]) -> Which:
    return lambda face_id: face_id.in_(face_ids)


def _faces(run: RunRecord, which: Which) -> Subquery:
    """Some faces, as far as the run's images show them, with the label that stands."""
    predicted, first_image = aliased(PredictionRow), _first_image(run)
    named, denied, disowned = (aliased(Annotation) for _ in range(3))
    unheard = and_(named.id.is_(None), denied.id.is_(None))
    unknown = and_(named.id.is_(None), or_(predicted.unknown, denied.id.is_not(None)))
    no_face = (disowned.face_id == Face.id) & (disowned.kind == AnnotationKind.NOT_A_FACE)
    query = (
        select(
            *(Face.id, Face.x0, Face.y0, Face.x1, Face.y1, Face.detector),
            # Not joined: PostgreSQL would go through all images to find those of a few faces.
            first_image.label("image_id"),
            func.coalesce(named.label, predicted.label).label("label"),
            case((unheard, predicted.confidence)).label("confidence"),
            unknown.label("unknown"),
            (predicted.version_id != active_version()).label("stale"),
            not_(unheard).label("annotated"),
        )
        .select_from(Face)
        .outerjoin(predicted, _stands(predicted, which))
        .outerjoin(named, (named.face_id == Face.id) & (named.kind == AnnotationKind.IS))
        .outerjoin(denied, is_denied(denied, predicted.label))
        .where(which(Face.id), first_image.is_not(None))
        .where(~select(disowned.id).where(no_face).exists())
    )
    return query.subquery()


def _stands(predicted: type[PredictionRow], which: Which) -> ColumnElement[bool]:
    return and_(
        predicted.face_id == Face.id,
        predicted.version_id == standing_version(Face.id),
        # Says nothing new, but keeps PostgreSQL from reading the predictions of all faces.
        which(predicted.face_id),
    )


def _first_image(run: RunRecord) -> ScalarSelect[int]:
    """The first of the run's images that shows a face."""
    return (
        select(func.min(Image.id))
        .where(Image.detection_id == Face.detection_id)
        .where(Image.run_id == run.id, Image.outcome == Outcome.FACES)
        .correlate(Face)
        .scalar_subquery()
    )


def _labelled(row: Row[*tuple[Any, ...]], path: bytes) -> LabelledFace:
    return LabelledFace(
        id=row.id,
        path=path,
        box=Box(row.x0, row.y0, row.x1, row.y1),
        detector=row.detector,
        label=row.label,
        confidence=row.confidence,
        unknown=bool(row.unknown),
        stale=bool(row.stale) and not row.annotated,
        annotated=bool(row.annotated),
    )
