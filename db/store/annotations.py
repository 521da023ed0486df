"""Annotations: people's words on faces, which no model ever overwrites.

Of a face it is said either that it is one label, or that it is no face, and which labels it is
not; a newer word takes back the older ones that it contradicts.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select

from db.clock import now
from db.records import AnnotatedFace, AnnotationKind, Box, Crop
from db.store.upsert import chunks
from db.tables import Annotation, Archive, Face, FaceCrop, Image

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Row, ScalarSelect

    from db.records import AnnotationRecord

Word = tuple[AnnotationKind, str]

_IS, _IS_NOT, _NO_FACE = AnnotationKind.IS, AnnotationKind.IS_NOT, AnnotationKind.NOT_A_FACE


@dataclass(frozen=True, slots=True)
class Said:
    """What became of the words that somebody said.

    Attributes:
        added: new words.
        replaced: earlier words that the new ones took back.
        unchanged: words that had been said before, or that go without saying.
    """

    added: int
    replaced: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class AnnotationRow:
    """An annotation and where its face is, for people.

    Attributes:
        root: the archive of an image that shows the face, byte-exact; None where all are gone.
        path: of that image below the root, byte-exact.
        created_at: when it was said, in seconds since the epoch.
    """

    face_id: int
    root: bytes | None
    path: bytes | None
    box: Box
    kind: AnnotationKind
    label: str
    author: str | None
    created_at: float


def say(connection: Connection, annotations: Sequence[AnnotationRecord]) -> Said:
    """Write down what people say, each word after the ones before it.

    - `is X` takes back `is Y`, `is_not X` and `not_a_face`; that it is not Y stays true.
    - `not_a_face` takes back `is X` and every `is_not X`: what is no face has no label.
    - `is_not X` takes back `is X`; of what is no face it goes without saying, and is not kept.
    - The same word again changes nothing, not even who said it first, and when.

    `created_at` counts where it is in the past and nothing was said of the face before, so that
    words can be brought back from a file; otherwise it is the time of the database's clock.

    Args:
        annotations: with `label` as `db.labels.check_label` gives it; faces that exist.
    """
    at = connection.execute(select(now())).scalar_one()
    # In the order of ids, so that two writers wait for each other and never for both.
    ordered = sorted(annotations, key=lambda one: one.face_id)
    faces = [list(words) for _, words in groupby(ordered, key=lambda one: one.face_id)]
    counts = [_say(connection, some, at=at) for some in chunks(faces)]
    return Said(
        added=sum(one.added for one in counts),
        replaced=sum(one.replaced for one in counts),
        unchanged=sum(one.unchanged for one in counts),
    )


def every(connection: Connection) -> Iterator[AnnotationRow]:
    """All annotations by archive, image and face; those whose images are gone come last."""
    query = (
        select(
            *(Annotation.face_id, Archive.root, Image.path, Face.x0, Face.y0, Face.x1, Face.y1),
            *(Annotation.kind, Annotation.label, Annotation.author, Annotation.created_at),
        )
        .join(Face, Face.id == Annotation.face_id)
        .outerjoin(Image, Image.id == first_image())
        .outerjoin(Archive, Archive.id == Image.archive_id)
        .order_by(Image.id.is_(None), Archive.root, Image.path, Face.id)
        .order_by(Annotation.kind, Annotation.label)
    )
    for row in connection.execution_options(yield_per=1000).execute(query):
        yield AnnotationRow(
            face_id=row.face_id,
            root=row.root,
            path=row.path,
            box=Box(row.x0, row.y0, row.x1, row.y1),
            kind=AnnotationKind(row.kind),
            label=row.label,
            author=row.author,
            created_at=row.created_at,
        )


def count(connection: Connection) -> int:
    """How many annotations there are."""
    return connection.execute(select(func.count()).select_from(Annotation)).scalar_one()


def count_since(connection: Connection, at: float) -> int:
    """How many annotations are newer than a time, in seconds of the database's clock."""
    newer = select(func.count()).select_from(Annotation).where(Annotation.created_at > at)
    return connection.execute(newer).scalar_one()


def labels(connection: Connection) -> set[str]:
    """Every label that people named."""
    return set(
        connection.scalars(select(Annotation.label).where(Annotation.label != "").distinct())
    )


def annotated(connection: Connection, face_ids: Sequence[int]) -> set[int]:
    """Those of the faces of which somebody has said something."""
    query = select(Annotation.face_id)
    found: set[int] = set()
    for some in chunks(face_ids):
        found.update(connection.scalars(query.where(Annotation.face_id.in_(some))))
    return found


def examples(connection: Connection) -> Iterator[AnnotatedFace]:
    """Every annotated face once, with its crop, in the order of face ids; as a stream."""
    query = (
        select(
            *(Annotation.face_id, Annotation.kind, Annotation.label),
            *(FaceCrop.jpeg, FaceCrop.x0, FaceCrop.y0, FaceCrop.x1, FaceCrop.y1),
        )
        .join(FaceCrop, FaceCrop.face_id == Annotation.face_id)
        .order_by(Annotation.face_id, Annotation.label)
    )
    rows = connection.execution_options(yield_per=200).execute(query)
    for _, group in groupby(rows, key=lambda row: row.face_id):
        yield _example(list(group))


def first_image() -> ScalarSelect[int]:
    """A subquery for the first image that shows a face, correlated to `faces`."""
    return (
        select(func.min(Image.id))
        .where(Image.detection_id == Face.detection_id)
        .correlate(Face)
        .scalar_subquery()
    )


def _say(connection: Connection, faces: Sequence[list[AnnotationRecord]], *, at: float) -> Said:
    stored = _stored(connection, [spoken[0].face_id for spoken in faces])
    gone: list[int] = []
    fresh: list[dict[str, Any]] = []
    unchanged = 0
    for spoken in faces:
        old = stored.get(spoken[0].face_id, {})
        # A word that is in the database has no record here.
        words: dict[Word, AnnotationRecord | None] = dict.fromkeys(old)
        unchanged += sum(not _listen(words, one) for one in spoken)
        gone += [row for word, row in old.items() if words.get(word, spoken[0]) is not None]
        told = (one for one in words.values() if one is not None)
        fresh += [_row(one, at=at, restoring=not old) for one in told]
    for some in chunks(gone):
        connection.execute(delete(Annotation).where(Annotation.id.in_(some)))
    if fresh:
        connection.execute(insert(Annotation), fresh)
    return Said(added=len(fresh), replaced=len(gone), unchanged=unchanged)


def _stored(connection: Connection, face_ids: Sequence[int]) -> dict[int, dict[Word, int]]:
    """What was said of the faces before, with the numbers of the rows."""
    # Two writers who each find a face bare would give it two labels: the second waits here.
    # SQLite has let only one of them begin.
    lock = select(Face.id).where(Face.id.in_(face_ids)).order_by(Face.id)
    connection.execute(lock.with_for_update(key_share=True)).all()
    found: dict[int, dict[Word, int]] = {}
    for row in connection.execute(select(Annotation).where(Annotation.face_id.in_(face_ids))):
        found.setdefault(row.face_id, {})[AnnotationKind(row.kind), row.label] = row.id
    return found


def _listen(words: dict[Word, AnnotationRecord | None], one: AnnotationRecord) -> bool:
    """Take in what is said of a face; False where that changes nothing."""
    word = (one.kind, one.label)
    if word in words or (one.kind is _IS_NOT and (_NO_FACE, "") in words):
        return False
    for other in [other for other in words if _takes_back(word, other)]:
        del words[other]
    words[word] = one
    return True


def _takes_back(word: Word, other: Word) -> bool:
    kinds = {word[0], other[0]}
    if _NO_FACE in kinds or kinds == {_IS}:
        return True
    return kinds == {_IS, _IS_NOT} and word[1] == other[1]


def _row(one: AnnotationRecord, *, at: float, restoring: bool) -> dict[str, Any]:
    return {
        "face_id": one.face_id,
        "kind": one.kind,
        "label": one.label,
        "author": one.author,
        "created_at": one.created_at if restoring and 0 < one.created_at < at else at,
    }


def _example(rows: Sequence[Row[*tuple[Any, ...]]]) -> AnnotatedFace:
    first = rows[0]
    named = next((row.label for row in rows if row.kind == _IS), None)
    denied = tuple(row.label for row in rows if row.kind == _IS_NOT)
    return AnnotatedFace(
        id=first.face_id,
        crop=Crop(first.jpeg, Box(first.x0, first.y0, first.x1, first.y1)),
        label=named,
        not_labels=denied if named is None else (),
        not_a_face=any(row.kind == _NO_FACE for row in rows),
    )
