"""Matching: which stored face a row of a sheet speaks of."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from db.errors import UsageError
from db.records import AnnotationKind, AnnotationRecord
from db.store import places
from db.store.runs import display
from review.sheet import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from db.records import Box
    from db.store.places import PlacedFace
    from review.sheet import SheetRow

# Boxes that overlap by less, as intersection over union, are of different faces.
LEAST_OVERLAP = 0.5

# An image as the database knows it: its archive's number, and its path below the root.
_Key = tuple[int, bytes]

# How a byte that is not UTF-8 is written for people.
_ESCAPE = re.compile(rb"\\x([89a-f][0-9a-f])")


@dataclass(frozen=True, slots=True)
class Matched:
    """Rows whose face was found.

    Attributes:
        words: (line, what is to be said), in the order of the sheet.
        refused: the other rows, in the order of the sheet.
    """

    words: tuple[tuple[int, AnnotationRecord], ...]
    refused: tuple[Refused, ...]


def match(connection: Connection, rows: Sequence[SheetRow]) -> Matched:
    """Find the face of each row by its number, else by image and box.

    A box means the face that overlaps it most, by `LEAST_OVERLAP` at least; an image with a
    single face needs none. Rows that contradict each other are refused, all of them.
    """
    numbers = {row.face for row in rows if row.face is not None}
    images = {row.image for row in rows if row.face is None}
    known, shown = places.boxes(connection, numbers), _Images(connection, images)
    words: list[tuple[int, AnnotationRecord]] = []
    refused: list[Refused] = []
    for row in rows:
        try:
            face_id = shown.face(row) if row.face is None else _numbered(row, row.face, known)
        except UsageError as error:
            refused.append(Refused(row.line, str(error)))
        else:
            words.append((row.line, _record(row, face_id)))
    contradictions = _contradictions(words)
    kept = tuple((line, word) for line, word in words if line not in contradictions)
    refused += [Refused(line, reason) for line, reason in contradictions.items()]
    return Matched(kept, tuple(sorted(refused, key=lambda one: one.line)))


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    width = min(a.x1, b.x1) - max(a.x0, b.x0)
    height = min(a.y1, b.y1) - max(a.y0, b.y0)
    shared = max(width, 0) * max(height, 0)
    return shared / (a.area + b.area - shared)


class _Images:
    """The faces of the images that a sheet names, read in few queries.

    Args:
        names: paths, absolute or below an archive's root.
    """

    def __init__(self, connection: Connection, names: Iterable[str]) -> None:
        roots = places.archives(connection).items()
        archives = {archive: _folders(root) for archive, root in roots}
        self._keys = {name: list(_keys(name, archives)) for name in names}
        wanted: defaultdict[int, set[bytes]] = defaultdict(set)
        for archive, path in (key for keys in self._keys.values() for key in keys):
            wanted[archive].add(path)
        self._detections = {
            (archive, path): detection
            for archive, paths in wanted.items()
            for path, detection in places.detections(connection, archive, paths).items()
        }
        some = {detection for detection in self._detections.values() if detection is not None}
        self._faces = places.faces_of(connection, some)

    def face(self, row: SheetRow) -> int:
        """The number of the face that a row means.

        Raises:
            UsageError: when there is none, or more than one.
        """
        faces = self._of(row.image)
        if not faces:
            raise UsageError("no face was found in this image")
        if row.box is not None:
            return _nearest(faces, row.box).id
        if len(faces) > 1:
            raise UsageError(f"the image has {len(faces)} faces; say which by its box")
        return faces[0].id

    def _of(self, name: str) -> list[PlacedFace]:
        keys = [key for key in self._keys[name] if key in self._detections]
        found = {self._detections[key] for key in keys}
        if not found:
            raise UsageError(f"no archive that was labelled holds the image {name[-80:]!r}")
        examined = found - {None}
        # The same bytes in two archives are the same faces.
        if len(examined) > 1:
            raise UsageError(
                f"{len(keys)} archives hold an image {name[-80:]!r}; write its whole path, or "
                "the number of the face"
            )
        return [face for one in examined if one is not None for face in self._faces.get(one, [])]


def _folders(root: bytes) -> tuple[bytes, ...]:
    """How the paths of an archive's images begin: as they are, and as they are shown."""
    folder = root.rstrip(b"/") + b"/"
    return tuple(dict.fromkeys((folder, display(folder).encode())))


def _keys(name: str, archives: Mapping[int, tuple[bytes, ...]]) -> Iterator[_Key]:
    """Every image that a name may mean, were it there."""
    path = posixpath.normpath(name.encode())
    for archive, folders in archives.items():
        absolute = (path.removeprefix(folder) for folder in folders if path.startswith(folder))
        for below in absolute if path.startswith(b"/") else (path,):
            yield archive, below
            # A sheet that was exported has escapes for bytes that are not UTF-8.
            if b"\\x" in below:
                yield archive, _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), below)


def _nearest(faces: Sequence[PlacedFace], box: Box) -> PlacedFace:
    best = max(faces, key=lambda face: overlap(face.box, box))
    if overlap(best.box, box) < LEAST_OVERLAP:
        raise UsageError(
            f"the box fits no face of the image; the nearest is at {_corners(best.box)}"
        )
    return best


def _numbered(row: SheetRow, face_id: int, known: dict[int, Box]) -> int:
    if face_id not in known:
        raise UsageError(f"there is no face {face_id}")
    if row.box is not None and row.box != known[face_id]:
        # The sheet may be of another database, where the number means another face.
        raise UsageError(
            f"face {face_id} is at {_corners(known[face_id])}, not at {_corners(row.box)}; "
            "empty its column face, and image and box will find it"
        )
    return face_id


def _corners(box: Box) -> str:
    return f"{box.x0} {box.y0} {box.x1} {box.y1}"


def _record(row: SheetRow, face_id: int) -> AnnotationRecord:
    return AnnotationRecord(
        face_id=face_id,
        kind=row.kind,
        label=row.label,
        author=row.author,
        created_at=row.created_at,
    )


def _contradictions(words: Sequence[tuple[int, AnnotationRecord]]) -> dict[int, str]:
    """The lines that contradict each other, with the reason."""
    faces: defaultdict[int, list[tuple[int, AnnotationRecord]]] = defaultdict(list)
    for line, word in words:
        faces[word.face_id].append((line, word))
    found: dict[int, str] = {}
    for face_id, said in faces.items():
        lines = _quarrel(said)
        where = ", ".join(str(line) for line in lines[:5])
        reason = f"lines {where} contradict each other about face {face_id}"
        found.update(dict.fromkeys(lines, reason))
    return found


def _quarrel(said: Sequence[tuple[int, AnnotationRecord]]) -> list[int]:
    """The lines on one face that cannot all be true."""
    named = {word.label for _, word in said if word.kind is AnnotationKind.IS}
    denied = {word.label for _, word in said if word.kind is AnnotationKind.IS_NOT}
    no_face = any(word.kind is AnnotationKind.NOT_A_FACE for _, word in said)
    disputed = named if len(named) + no_face > 1 else named & denied
    return [
        line
        for line, word in said
        if word.label in disputed or (disputed and word.kind is AnnotationKind.NOT_A_FACE)
    ]
