"""How quickly a ledger takes what producers list and workers find, at one revision and another."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.heads import DIMENSION, LABELS, name
from bench.synthesis import served
from db import schema
from db.engine import Database
from db.records import (
    Box,
    ContentRecord,
    ContentResult,
    Crop,
    DetectedFace,
    FaceResult,
    FileEntry,
    ImageResult,
    JobResult,
    Outcome,
    Prediction,
)
from db.store import cutting, images, jobs, models, results, runs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from db.records import JobImage, RunRecord

# Files that a producer lists in one transaction, and images of a job.
_BATCH, _JOB = 1000, 500

_EMBEDDER = "an embedder"


@dataclass(frozen=True, slots=True)
class Rates:
    """Images a second.

    Attributes:
        listed: registered for the first time.
        again: found unchanged by a later run.
        committed: whose results were stored; every second one has a face, with crop, embedding
            and prediction.
    """

    listed: float
    again: float
    committed: float


def measure(
    kind: str, number: int, *, revisions: Sequence[str], rounds: int, told: Callable[[str], object]
) -> dict[str, list[Rates]]:
    """Write so many images into an empty ledger at each revision in turn.

    Args:
        kind: `sqlite` or `postgresql`.
        number: images.
        revisions: of the schema; the tables must be those that the code writes.
        rounds: how often.
        told: what is being done, for people.
    """
    found: dict[str, list[Rates]] = {revision: [] for revision in revisions}
    for turn in range(rounds):
        # Who goes first changes, as a machine may grow slower with the minutes.
        for revision in revisions if turn % 2 == 0 else revisions[::-1]:
            told(f"{kind}: writing {number:,} images at revision {revision}")
            found[revision].append(_once(kind, number, revision))
    return found


def _once(kind: str, number: int, revision: str) -> Rates:
    with (
        tempfile.TemporaryDirectory(prefix="kao-bench-") as folder,
        served(folder, kind) as url,
    ):
        database = Database(url)
        schema.upgrade(database, revision)
        version_id = database.commit(
            lambda c: (
                models.publish(
                    c, sha256="a" * 64, embedder=_EMBEDDER, manifest="{}", parent_id=None
                ).id
            )
        )
        first = _run(database)
        listed = _timed(lambda: _register(database, first, number))
        committed = _timed(lambda: _work(database, first, version_id))
        second = _run(database)
        again = _timed(lambda: _register(database, second, number))
        database.close()
    return Rates(number / listed, number / again, number / committed)


def _run(database: Database) -> RunRecord:
    return database.commit(
        lambda c: runs.start(c, root=b"/archive", chain_id="chain", detect_only=True)
    )


def _register(database: Database, run: RunRecord, number: int) -> None:
    for first in range(0, number, _BATCH):
        numbers = range(first, min(first + _BATCH, number))
        entries = [FileEntry(b"a folder/%08d.jpg" % n, 20_000, 10**18) for n in numbers]
        with database.write() as connection:
            images.register(connection, run, entries, version_id=None)


def _work(database: Database, run: RunRecord, version_id: int) -> None:
    while True:
        with database.write() as connection:
            job_id = cutting.cut_images(connection, run.id, size=_JOB)
        if job_id is None:
            return
        with database.write() as connection:
            claim = jobs.claim(connection, job_id, worker="host:1")
            todo = images.of_job(connection, job_id)
        if claim is None:
            raise SystemExit(f"job {job_id} cannot be claimed")
        with database.write() as connection:
            results.commit(connection, claim, _result(todo, version_id))


def _result(todo: Sequence[JobImage], version_id: int) -> JobResult:
    contents = [_content(image.id) for image in todo]
    linked = zip(todo, contents, strict=True)
    return JobResult(
        contents=tuple(contents),
        images=tuple(ImageResult(image.id, found.content.sha256) for image, found in linked),
        rescored=(),
        version_id=version_id,
        embedder=_EMBEDDER,
        decoded=len(todo),
        decoder="a decoder",
    )


def _content(number: int) -> ContentResult:
    record = ContentRecord(number.to_bytes(32, "big"), 20_000, "JPEG", 1280, 720)
    if number % 2:
        preview = b"preview" * 400
        return ContentResult(record, Outcome.NO_FACE, "no_face_found", preview=preview)
    label = name(number % LABELS)
    face = FaceResult(
        face=DetectedFace(Box(10, 20, 110, 120), "lbp", 1.0),
        crop=Crop(b"crop" * 1500, Box(10, 10, 90, 90)),
        embedding=bytes(2 * DIMENSION),
        prediction=Prediction(label, 0.9, unknown=False, top=((label, 0.9),)),
    )
    return ContentResult(record, Outcome.FACES, faces=(face,))


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
