"""What it takes to label an archive, however many images it has, and to look at it afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

import psutil  # type: ignore[import-untyped]  # psutil ships no types
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bench.queries import Stopwatch, Timed
from db.engine import Database
from db.settings import DatabaseSettings
from db.store import runs, vectors
from monitor.status.collect import collect
from review.report import write_report
from tests.faults.memory import kind
from training.drawn import cast, write_training_folder
from worker.broker.app import create_app, waiting_messages
from worker.broker.embedded import EmbeddedRedis
from worker.broker.settings import BrokerSettings
from worker.models import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_EVERY = 0.5
_MIB = 2**20
_PATIENCE = 60.0

# The parts of a run at which the memory of its processes is noted.
MARKS = (0.1, 0.5, 1.0)


@dataclass(slots=True)
class Watch:
    """What was seen of a run from outside.

    Attributes:
        waiting: most messages in the queue.
        in_flight: most jobs published and not done.
        memory: MiB of the largest process of each kind, when so large a part was done.
    """

    waiting: int = 0
    in_flight: int = 0
    memory: dict[float, dict[str, float]] = field(default_factory=dict)

    def note(self, part: float, taken: Mapping[str, float]) -> None:
        """Keep what is taken as that of the mark that was passed last; the end counts, too."""
        passed = [mark for mark in MARKS[:-1] if part >= mark]
        for mark in (*(one for one in passed if one not in self.memory), MARKS[-1]):
            # Processes that are ending already are not what the end of the run takes.
            if taken.keys() >= self.memory.get(mark, {}).keys():
                self.memory[mark] = dict(taken)


@dataclass(frozen=True, slots=True)
class Grown:
    """What one run took.

    Attributes:
        images: in the archive.
        whole: images a second, from the command line to its end.
        steady: the same from the end of the first job to that of the last.
        watch: what was seen meanwhile.
        database: bytes of the SQLite file for each image.
        commands: seconds of other commands then, as people start them.
        queries: what they ask of the database.
    """

    images: int
    whole: float
    steady: float
    watch: Watch
    database: float
    commands: dict[str, float]
    queries: dict[str, Timed]


def train(folder: Path, home: Path) -> None:
    """Two versions with an untrained backbone, from different pictures of the same characters."""
    for seed in (3, 4):
        pictures = folder / f"characters-{seed}"
        write_training_folder(pictures, cast(8, seed=1), per_label=8, seed=seed)
        kaolabel(home, "train", str(pictures), "--backbone", "seeded", "--taps", "mixed1")


def grow(archive: Path, home: Path, images: int, *, told: Callable[[str], object]) -> Grown:
    """Label an archive from nothing in a copy of a home with two versions, and look at it."""
    with tempfile.TemporaryDirectory(prefix="kao-bench-") as folder:
        fresh = Path(shutil.copytree(home, Path(folder, "home"), symlinks=True))
        database = Database(DatabaseSettings(home=fresh, database_url=None).url)
        registry.activate(database, 1, why="a benchmark")
        told(f"labelling {images:,} images")
        started = time.monotonic()
        watch = _label(fresh, archive, database, images)
        whole = images / (time.monotonic() - started)
        told(f"looking at {images:,} images")
        commands = dict(_commands(fresh))
        queries = dict(_queries(database, Path(folder)))
        database.close()
        size = (fresh / "kaolabel.db").stat().st_size / images
        return Grown(images, whole, _steady(fresh), watch, size, commands, queries)


def kaolabel(home: Path, *arguments: str) -> None:
    """Run the command to its end."""
    with Command(home, *arguments) as command:
        if command.process.wait():
            raise SystemExit(f"kaolabel {arguments[0]} ended with {command.process.returncode}")


class Command:
    """The command in a home of its own, stopped at the end of the block; nothing is printed.

    Args:
        home: KAOLABEL_HOME; other settings but the cascade's are left out.
        arguments: of the command.
    """

    def __init__(self, home: Path, *arguments: str) -> None:
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith("KAOLABEL_") or key == "KAOLABEL_CASCADE"
        }
        line = [sys.executable, "-m", "kaolabel", *arguments, "--json"]
        self.process = subprocess.Popen(
            line, env={**kept, "KAOLABEL_HOME": str(home)}, stdout=subprocess.DEVNULL
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.process.terminate()
        self.process.wait(_PATIENCE)


def _label(home: Path, archive: Path, database: Database, images: int) -> Watch:
    watch = Watch()
    app = create_app(EmbeddedRedis(home).url, BrokerSettings(broker_url=None))
    with Command(home, "label", str(archive)) as command:
        family = psutil.Process(command.process.pid)
        while command.process.poll() is None:
            # Neither server is up before the command is, nor for long after it.
            with contextlib.suppress(DBAPIError, OperationalError, RedisError, OSError):
                _look(watch, database, images, _memory(family))
                watch.waiting = max(watch.waiting, waiting_messages(app))
            time.sleep(_EVERY)
        if command.process.returncode:
            raise SystemExit(f"kaolabel label ended with {command.process.returncode}")
    app.close()
    return watch


def _look(watch: Watch, database: Database, images: int, taken: dict[str, float]) -> None:
    with database.read() as connection:
        run = runs.latest(connection)
        if run is None:
            return
        progress = runs.progress(connection, run.id)
    watch.in_flight = max(watch.in_flight, progress.jobs_in_flight)
    watch.note(progress.done / images, taken)


def _memory(family: psutil.Process) -> dict[str, float]:
    """MiB that the largest process of each kind takes."""
    taken: dict[str, float] = {}
    with contextlib.suppress(psutil.Error):
        for one in (family, *family.children(recursive=True)):
            found = kind(one)
            if found is not None:
                taken[found] = max(taken.get(found, 0.0), one.memory_info().rss / _MIB)
    return taken


def _steady(home: Path) -> float:
    database = Database(DatabaseSettings(home=home, database_url=None).url)
    query = "SELECT size, finished_at FROM jobs WHERE state = 'done' ORDER BY finished_at"
    with database.read() as connection:
        (_, first), *others = connection.execute(text(query)).all()
    database.close()
    return float(sum(size for size, _ in others) / (others[-1][1] - first))


def _commands(home: Path) -> dict[str, float]:
    seconds = {}
    for name, arguments in {
        "status": ("status",),
        "models diff": ("models", "diff", "1", "2"),
    }.items():
        started = time.monotonic()
        kaolabel(home, *arguments)
        seconds[name] = time.monotonic() - started
    return seconds


def _queries(database: Database, folder: Path) -> dict[str, Timed]:
    watch = Stopwatch(database)
    return {
        "status": watch.time(lambda: collect(database)),
        "models diff": watch.time(lambda: _pages(database)),
        "report": watch.time(lambda: write_report(database, 1, folder / "report.html")),
    }


def _pages(database: Database) -> None:
    """Read all that a difference of the two versions needs."""
    embedder = registry.require_active(database).embedder
    with database.read() as connection:
        portion = vectors.portion(connection, sample=None)
        after = 0
        while page := vectors.page(
            connection, portion, after=after, size=1024, embedders=(embedder,)
        ):
            after = page.ids[-1]
