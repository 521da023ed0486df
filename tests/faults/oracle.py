"""What every fault must leave untouched: one outcome a file, nothing lost, nothing doubled."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import text

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from db.engine import Database

# How far an embedding may be from that of a run without faults.
TOLERANCE = 1e-5

_IMAGES = """
SELECT images.path, images.outcome, images.reason, contents.sha256, images.due, images.detection_id
FROM images LEFT JOIN contents ON contents.id = images.content_id
WHERE images.archive_id = (SELECT archive_id FROM runs WHERE id = :run)
"""
_FACES = """
SELECT contents.sha256, faces."index", faces.x0, faces.y0, faces.x1, faces.y1, faces.detector,
       faces.score, crops.jpeg, predictions.label, predictions.unknown, predictions.confidence,
       embeddings.vector
FROM faces
JOIN detections ON detections.id = faces.detection_id
JOIN contents ON contents.id = detections.content_id
LEFT JOIN crops ON crops.face_id = faces.id
LEFT JOIN embeddings ON embeddings.face_id = faces.id
LEFT JOIN predictions ON predictions.face_id = faces.id
"""
_OPEN_JOBS = "SELECT count(*) FROM jobs WHERE run_id = :run AND state IN ('queued', 'leased')"

# Table and natural key of everything that a fault might double.
_NATURAL_KEYS = {
    "archives": "root",
    "images": "archive_id, path",
    "contents": "sha256",
    "detections": "content_id, chain_id",
    "faces": 'detection_id, "index"',
    "crops": "face_id",
    "embeddings": "face_id, embedder_id",
    "predictions": "face_id, version_id",
}


@dataclass(frozen=True, slots=True)
class Findings:
    """What a run found out, by natural keys alone: numbers given by the database differ.

    Attributes:
        images: (outcome, reason, content hash) of each path.
        faces: (box, detector, score, crop, label, unknown) of each (content hash, index).
        numbers: confidence and embedding of each (content hash, index); empty where unscored.
    """

    images: dict[bytes, tuple[Any, ...]]
    faces: dict[tuple[bytes, int], tuple[Any, ...]]
    numbers: dict[tuple[bytes, int], np.ndarray[Any, np.dtype[np.float64]]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the oracle says of a run.

    Attributes:
        files: regular files in the archive.
        lost: paths without an outcome, or unknown to the ledger.
        doubled: natural keys that are there more than once, by table.
        different: paths and faces that differ from the run without faults.
        open_jobs: jobs that are neither done, split nor cancelled.
    """

    files: int
    lost: tuple[bytes, ...]
    doubled: dict[str, int]
    different: tuple[Any, ...]
    open_jobs: int

    @property
    def clean(self) -> bool:
        """Whether nothing is lost, doubled, different or open."""
        return not (self.lost or self.doubled or self.different or self.open_jobs)


def find(database: Database, run: int) -> Findings:
    """What is known of a run's archive."""
    with database.read() as connection:
        images = connection.execute(text(_IMAGES), {"run": run}).all()
        faces = connection.execute(text(_FACES)).all()
    return Findings(
        images={bytes(row.path): _image(row) for row in images if row.outcome and not row.due},
        faces={_key(row): _face(row) for row in faces},
        numbers={_key(row): _numbers(row) for row in faces},
    )


def judge(database: Database, run: int, archive: Path, expected: Findings) -> Verdict:
    """Compare what a run left in the ledger with a run of the same archive without faults."""
    found = find(database, run)
    files = walk(archive)
    with database.read() as connection:
        doubled = _doubled(connection)
        open_jobs = connection.execute(text(_OPEN_JOBS), {"run": run}).scalar_one()
    return Verdict(
        files=len(files),
        lost=tuple(sorted(files - found.images.keys())),
        doubled=doubled,
        different=tuple(_differences(found, expected)),
        open_jobs=open_jobs,
    )


def walk(archive: Path) -> set[bytes]:
    """The regular files of an archive, found in another way than the product's."""
    root = os.fsencode(archive)
    found = set()
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path):  # noqa: PTH113, PTH114  # bytes
                found.add(os.path.relpath(path, root))
    return found


def _doubled(connection: Connection) -> dict[str, int]:
    found = {}
    for table, key in _NATURAL_KEYS.items():
        groups = f"SELECT 1 FROM {table} GROUP BY {key} HAVING count(*) > 1"  # noqa: S608  # fixed names
        query = f"SELECT count(*) FROM ({groups}) doubled"  # noqa: S608  # fixed names
        number = connection.execute(text(query)).scalar_one()
        if number:
            found[table] = number
    return found


def _differences(found: Findings, expected: Findings) -> list[Any]:
    images = [
        (path, found.images.get(path), row)
        for path, row in expected.images.items()
        if found.images.get(path) != row
    ]
    faces = [
        (key, found.faces.get(key), expected.faces.get(key))
        for key in found.faces.keys() | expected.faces.keys()
        if found.faces.get(key) != expected.faces.get(key)
    ]
    numbers = [
        (key, "embedding or confidence")
        for key in found.numbers.keys() & expected.numbers.keys()
        if not _close(found.numbers[key], expected.numbers[key])
    ]
    return [*images, *faces, *numbers]


def _close(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=0, atol=TOLERANCE))


def _image(row: Any) -> tuple[Any, ...]:
    return (row.outcome, row.reason, None if row.sha256 is None else bytes(row.sha256))


def _key(row: Any) -> tuple[bytes, int]:
    # By position: a row is a tuple, which has an `index` of its own.
    return (bytes(row[0]), row[1])


def _face(row: Any) -> tuple[Any, ...]:
    box = (row.x0, row.y0, row.x1, row.y1)
    unknown = None if row.unknown is None else bool(row.unknown)
    return (box, row.detector, round(row.score, 6), bytes(row.jpeg), row.label, unknown)


def _numbers(row: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    vector = np.frombuffer(row.vector or b"", np.float16).astype(np.float64)
    return np.append(vector, [] if row.confidence is None else [row.confidence])
