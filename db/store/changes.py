"""What a relabelling changed, for the people who asked for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, distinct, func, select
from sqlalchemy.orm import aliased

from db.records import AnnotationKind, JobState
from db.tables import Annotation, Face, Job, PredictionRow

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Select

    from db.records import RelabelRecord


@dataclass(frozen=True, slots=True)
class Change:
    """How many faces went from one label to another; None is unknown."""

    old: str | None
    new: str | None
    faces: int


@dataclass(frozen=True, slots=True)
class FaceCounts:
    """Stored faces in the eyes of a version.

    Attributes:
        faces: all of them.
        scored: those with a prediction by the version.
        unknown: of these, those that are none of the known labels.
        annotated: faces of which people said something.
    """

    faces: int
    scored: int
    unknown: int
    annotated: int


def count(connection: Connection, version_id: int) -> FaceCounts:
    """All stored faces, and what the version says of them."""
    faces = connection.execute(select(func.count()).select_from(Face)).scalar_one()
    unknown = func.coalesce(func.sum(case((PredictionRow.unknown, 1), else_=0)), 0)
    query = select(func.count(), unknown).where(PredictionRow.version_id == version_id)
    scored, of_them = connection.execute(query).one()
    annotated = connection.execute(select(func.count(distinct(Annotation.face_id)))).scalar_one()
    return FaceCounts(faces, scored, of_them, annotated)


def of_relabel(connection: Connection, relabel: RelabelRecord) -> list[Change]:
    """Faces that the relabelling gave another label than they had before, most frequent first.

    What stood before is the newest prediction by another version. A face that people named, or said
    to be none, is left out: their word stands, whatever models say.
    """
    done = select(Job.first_face, Job.last_face).where(
        Job.run_id == relabel.id, Job.state == JobState.DONE
    )
    found: Counter[tuple[str | None, str | None]] = Counter()
    # Job by job: all of them at once take seconds where there are a million faces.
    for job in connection.execute(done).all():
        some = _changes(relabel.version_id, job.first_face, job.last_face)
        for before, after, faces in connection.execute(some):
            found[before, after] += faces
    changes = [Change(before, after, faces) for (before, after), faces in found.items()]
    return sorted(changes, key=lambda one: (-one.faces, one.old or "", one.new or ""))


def _changes(version_id: int, first: int, last: int) -> Select[*tuple[Any, ...]]:
    """Label before, label after, and how many faces of a span changed so."""
    new, old = aliased(PredictionRow), aliased(PredictionRow)
    before, after = _name(old), _name(new)
    return (
        select(before, after, func.count())
        .select_from(new)
        .join(old, and_(old.face_id == new.face_id, old.version_id == _newest_other(new)))
        .where(new.face_id.between(first, last), new.version_id == version_id)
        # Says nothing new, but keeps PostgreSQL from reading the predictions of all faces.
        .where(old.face_id.between(first, last))
        .where(before.is_distinct_from(after), ~_is_settled(new))
        .group_by(before, after)
    )


def _name(prediction: type[PredictionRow]) -> ColumnElement[str | None]:
    return case((prediction.unknown, None), else_=prediction.label)


def _newest_other(new: type[PredictionRow]) -> ColumnElement[int]:
    other = aliased(PredictionRow)
    newest = select(func.max(other.version_id))
    return newest.where(
        other.face_id == new.face_id, other.version_id != new.version_id
    ).scalar_subquery()


def _is_settled(new: type[PredictionRow]) -> ColumnElement[bool]:
    settling = (AnnotationKind.IS, AnnotationKind.NOT_A_FACE)
    said = select(Annotation.id).where(
        Annotation.face_id == new.face_id, Annotation.kind.in_(settling)
    )
    return said.exists()
