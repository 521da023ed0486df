"""The queries behind the commands that people wait for, each timed over a synthesized ledger."""

from __future__ import annotations

import itertools
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from bench.heads import publish, spec
from bench.synthesis import Size, predict, served, store
from db import schema
from db.engine import Database
from db.records import Outcome
from db.store import (
    changes,
    cutting,
    extent,
    faceless,
    jobs,
    lost,
    models,
    queue,
    relabels,
    runs,
    survey,
    vectors,
)
from db.store import faces as stored
from db.store.upsert import chunks
from monitor.status.collect import collect
from producer.gauge import Gauge
from producer.quarantine import selection
from producer.quarantine.summary import listing
from producer.summary import summarize
from review.annotations import choose, write_sheet
from review.gallery import FACES_SHOWN, IMAGES_SHOWN
from review.head import read_head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

# Pages of embeddings that a difference of models is measured on, and the faces of each.
_PAGES, _PAGE = 20, 1024

# Faces and images that a page asks about at a time.
_BATCH = 256

# Of each query; the first one, which finds nothing in memory, does not count.
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Timed:
    """What a command asks of the database.

    Attributes:
        statements: how many queries it is made of.
        longest: seconds, at most, that one of them took, with what was done with its rows.
        whole: seconds of all of them.
    """

    statements: int
    longest: float
    whole: float


@dataclass(slots=True)
class Stopwatch:
    """Times every statement of a database from its start to that of the next one."""

    database: Database
    _starts: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        event.listen(self.database.engine, "before_cursor_execute", self._note)

    def time(self, work: Callable[[], object]) -> Timed:
        """Do the work once."""
        self._starts.clear()
        started = time.perf_counter()
        work()
        ended = time.perf_counter()
        marks = itertools.pairwise((*self._starts, ended))
        longest = max((end - start for start, end in marks), default=0.0)
        return Timed(len(self._starts), longest, ended - started)

    def _note(self, *_event: object) -> None:
        self._starts.append(time.perf_counter())


@dataclass(frozen=True, slots=True)
class Commands:
    """What the commands do with the database, one method each; for a ledger of `synthesis`.

    Attributes:
        database: the ledger.
        out: folder for what they write.
    """

    database: Database
    out: Path

    def every(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """Each by name, as the commands call it."""
        yield "status", lambda: collect(self.database)
        yield "label: how far the run is", self._progress
        yield "label: how full the queue is", lambda: self._read(_look)
        yield "label: cut the next job", lambda: self._write(_cut)
        yield "label: what the archive holds", self._summary
        yield "relabel: begin", lambda: self._read(_lacking)
        yield "relabel: what faces are called", lambda: self._read(_called)
        yield "resume: what is unfinished", lambda: self._read(_unfinished)
        yield "reconciler", lambda: self._write(_reconcile)
        yield "models, models log", lambda: self._read(_models)
        yield f"models diff: {_PAGES} pages of {_PAGE}", lambda: self._pages(None)
        yield f"models diff --sample: {_PAGES} pages", lambda: self._pages(_PAGES * _PAGE)
        yield "report", self._report
        yield "annotate export", self._export
        yield "annotate export --unannotated", lambda: self._export(unannotated=True)
        yield "quarantine list", lambda: self._refused(Outcome.QUARANTINED)
        yield "quarantine list --unreadable", lambda: self._refused(Outcome.UNREADABLE)

    def _progress(self) -> None:
        with self.database.read() as connection:
            Gauge().read(connection, runs.get(connection, 2))

    def _summary(self) -> None:
        with self.database.read() as connection:
            run = runs.get(connection, 1)
        summarize(self.database, run, seconds=1.0)

    def _pages(self, sample: int | None) -> None:
        with self.database.read() as connection:
            portion = vectors.portion(connection, sample=sample)
            after = 0
            for _ in range(_PAGES):
                page = vectors.page(
                    connection, portion, after=after, size=_PAGE, embedders=(spec().id,)
                )
                if page is None:
                    return
                after = page.ids[-1]

    def _report(self) -> None:
        """All that a page asks, without ranking faces and making pictures in between."""
        with self.database.read() as connection:
            run = read_head(connection, 1).run
            reach = extent.of(connection, run)
            faces = [face_id for face_id, *_ in survey.briefs(connection, run, within=reach)]
            for some in chunks(faces[:FACES_SHOWN], _BATCH):
                survey.labelled(connection, run, some)
                stored.crops(connection, some)
            for outcome in (Outcome.NO_FACE, Outcome.UNREADABLE, Outcome.QUARANTINED):
                images = [image_id for image_id, _ in faceless.briefs(connection, run, outcome)]
                for some in chunks(images[:IMAGES_SHOWN], _BATCH):
                    faceless.images(connection, some)

    def _export(self, **which: Any) -> None:
        with self.database.read() as connection:
            write_sheet(choose(**which)(connection), str(self.out / "sheet.csv"), hints=bool(which))

    def _refused(self, outcome: Outcome) -> None:
        listing(outcome, selection.find(self.database, selection.Wanted(outcome)))

    def _read(self, work: Callable[[Connection], object]) -> None:
        with self.database.read() as connection:
            work(connection)

    def _write(self, work: Callable[[Connection], object]) -> None:
        with self.database.write() as connection:
            work(connection)


def measure(kind: str, faces: int, *, told: Callable[[str], object]) -> dict[str, Timed]:
    """Time the queries over a ledger with so many faces, and as many images without, and to do.

    Args:
        kind: `sqlite` or `postgresql`.
        faces: in the ledger.
        told: what is being done, for people.
    """
    with (
        tempfile.TemporaryDirectory(prefix="kao-bench-") as folder,
        served(folder, kind) as url,
    ):
        database = Database(url)
        schema.upgrade(database)
        told(f"{kind}: storing {faces:,} faces")
        fill(database, Path(folder, "home"), faces)
        watch = Stopwatch(database)
        found = {}
        for name, work in Commands(database, Path(folder)).every():
            told(f"{kind}: {name}")
            watch.time(work)
            found[name] = _median([watch.time(work) for _ in range(_ROUNDS)])
        database.close()
    return found


def fill(database: Database, home: Path, faces: int) -> None:
    """Store faces with predictions by two versions, of which the live one lacks every tenth."""
    store(database, Size(faces, faceless=faces, due=faces, annotated=min(faces // 10, 10_000)))
    home.mkdir(mode=0o700)
    for seed in (1, 2):
        publish(database, home, seed=seed)
    predict(database, 1, faces=faces)
    predict(database, 2, faces=faces, skip=10)


def _median(timed: list[Timed]) -> Timed:
    return Timed(
        timed[0].statements,
        median(one.longest for one in timed),
        median(one.whole for one in timed),
    )


def _look(connection: Connection) -> None:
    for look in (queue.in_flight, queue.workers, queue.rate, queue.unpublished, jobs.errors):
        look(connection, 2)


def _cut(connection: Connection) -> None:
    cutting.cut_images(connection, 2, size=500)


def _lacking(connection: Connection) -> None:
    relabels.lacking(connection, 2)
    relabels.without_embedding(connection, 2)


def _called(connection: Connection) -> None:
    changes.count(connection, 2)


def _unfinished(connection: Connection) -> None:
    runs.latest(connection, state=runs.UNFINISHED)
    relabels.unfinished(connection)


def _reconcile(connection: Connection) -> None:
    lost.leases(connection)
    lost.recover(connection)
    lost.stale(connection, waiting=120.0)


def _models(connection: Connection) -> None:
    models.every(connection)
    models.log(connection)
    models.refusals(connection)
