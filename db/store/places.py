"""Places: where faces are, for people and for what they write about faces in files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from db.records import Box
from db.store import faces
from db.store.annotations import annotated, first_image
from db.store.upsert import chunks
from db.tables import Archive, Face, Image

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy import Connection, Row, Select

# Images whose faces one query gives.
_PAGE = 4096


@dataclass(frozen=True, slots=True)
class PlacedFace:
    """A stored face of an image."""

    id: int
    box: Box


@dataclass(frozen=True, slots=True)
class UnjudgedFace:
    """A face of which nobody has said anything, and what the model says.

    Attributes:
        root: the archive of an image that shows it, byte-exact.
        path: of that image below the root, byte-exact.
        label: the label that stands; None for a face that no model has seen.
        unknown: whether it is none of the known labels, and `label` only the nearest.
    """

    id: int
    root: bytes
    path: bytes
    box: Box
    label: str | None
    confidence: float | None
    unknown: bool


def archives(connection: Connection) -> dict[int, bytes]:
    """The roots of all archives by number, byte-exact."""
    return dict(connection.execute(select(Archive.id, Archive.root)).all())


def boxes(connection: Connection, face_ids: Collection[int]) -> dict[int, Box]:
    """The boxes of the faces that exist, by face id."""
    found: dict[int, Box] = {}
    for some in chunks(sorted(face_ids)):
        rows = connection.execute(_placed().where(Face.id.in_(some)))
        found.update((row.id, _box(row)) for row in rows)
    return found


def detections(
    connection: Connection, archive_id: int, paths: Collection[bytes]
) -> dict[bytes, int | None]:
    """The detections of those images of an archive that exist, by path below its root.

    An image that no worker has finished, or that could not be read, has None.
    """
    query = select(Image.path, Image.detection_id).where(Image.archive_id == archive_id)
    found: dict[bytes, int | None] = {}
    for some in chunks(sorted(paths)):
        found.update(connection.execute(query.where(Image.path.in_(some))).all())
    return found


def faces_of(connection: Connection, detection_ids: Collection[int]) -> dict[int, list[PlacedFace]]:
    """The faces of detections, by detection id and in their order; without those that have none."""
    found: dict[int, list[PlacedFace]] = {}
    for some in chunks(sorted(detection_ids)):
        query = _placed().where(Face.detection_id.in_(some)).order_by(Face.id)
        for row in connection.execute(query):
            found.setdefault(row.detection_id, []).append(PlacedFace(row.id, _box(row)))
    return found


def unjudged(
    connection: Connection, *, label: str | None = None, unknown: bool = False
) -> Iterator[UnjudgedFace]:
    """Faces that an image shows and no annotation speaks of, by archive, image and face.

    Args:
        label: only faces for which this label stands.
        unknown: only faces that are none of the known labels.
    """
    for archive_id, root in sorted(archives(connection).items(), key=lambda item: item[1]):
        for rows in _unjudged_pages(connection, archive_id):
            predicted = faces.predicted(connection, [row.id for row in rows])
            found = (_unjudged(root, row, predicted.get(row.id)) for row in rows)
            yield from (face for face in found if _is_wanted(face, label=label, unknown=unknown))


def _unjudged_pages(
    connection: Connection, archive_id: int
) -> Iterator[list[Row[*tuple[Any, ...]]]]:
    """The unjudged faces of some thousand images of an archive at a time, by image and face."""
    # Compared here: to PostgreSQL it seems that hardly an image is the first one of its faces.
    first = first_image().label("first")
    query = (
        select(Face.id, Image.path, Face.x0, Face.y0, Face.x1, Face.y1, Image.id.label("at"), first)
        .join(Face, Face.detection_id == Image.detection_id)
        .where(Image.archive_id == archive_id)
        .order_by(Image.path, Face.id)
    )
    for start, end in _stretches(connection, archive_id):
        rows = connection.execute(query.where(Image.path.between(start, end)))
        shown = [row for row in rows if row.at == row.first]
        judged = annotated(connection, [row.id for row in shown])
        yield [row for row in shown if row.id not in judged]


def _stretches(connection: Connection, archive_id: int) -> Iterator[tuple[bytes, bytes]]:
    """The first and the last path of some thousand images of an archive at a time, in order."""
    paths = select(Image.path).where(Image.archive_id == archive_id).order_by(Image.path)
    after = b""
    while some := connection.scalars(paths.where(Image.path > after).limit(_PAGE)).all():
        yield some[0], some[-1]
        after = some[-1]


def _is_wanted(face: UnjudgedFace, *, label: str | None, unknown: bool) -> bool:
    if label is not None:
        return face.label == label and not face.unknown
    return face.unknown or not unknown


def _placed() -> Select[*tuple[Any, ...]]:
    return select(Face.id, Face.detection_id, Face.x0, Face.y0, Face.x1, Face.y1)


def _box(row: Row[*tuple[Any, ...]]) -> Box:
    return Box(row.x0, row.y0, row.x1, row.y1)


def _unjudged(
    root: bytes, row: Row[*tuple[Any, ...]], predicted: tuple[str, float, bool] | None
) -> UnjudgedFace:
    label, confidence, unknown = predicted or (None, None, False)
    return UnjudgedFace(row.id, root, row.path, _box(row), label, confidence, unknown)
