"""Places: where faces are, for people and for what they write about faces in files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from db.records import Box
from db.store.annotations import first_image
from db.store.faces import standing
from db.store.upsert import chunks
from db.tables import Annotation, Archive, Face, Image

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy import Connection, Row, Select


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
    predicted = standing()
    judged = select(Annotation.id).where(Annotation.face_id == Face.id)
    query = (
        select(
            *(Face.id, Archive.root, Image.path, Face.x0, Face.y0, Face.x1, Face.y1),
            *(predicted.c.label, predicted.c.confidence, predicted.c.unknown),
        )
        .join(Image, Image.id == first_image())
        .join(Archive, Archive.id == Image.archive_id)
        .outerjoin(predicted, predicted.c.face_id == Face.id)
        .where(~judged.exists())
        .order_by(Archive.root, Image.path, Face.id)
    )
    if label is not None:
        query = query.where(predicted.c.label == label, ~predicted.c.unknown)
    if unknown:
        query = query.where(predicted.c.unknown)
    for row in connection.execution_options(yield_per=1000).execute(query):
        yield _unjudged(row)


def _placed() -> Select[*tuple[Any, ...]]:
    return select(Face.id, Face.detection_id, Face.x0, Face.y0, Face.x1, Face.y1)


def _box(row: Row[*tuple[Any, ...]]) -> Box:
    return Box(row.x0, row.y0, row.x1, row.y1)


def _unjudged(row: Row[*tuple[Any, ...]]) -> UnjudgedFace:
    return UnjudgedFace(
        id=row.id,
        root=row.root,
        path=row.path,
        box=_box(row),
        label=row.label,
        confidence=row.confidence,
        unknown=bool(row.unknown),
    )
