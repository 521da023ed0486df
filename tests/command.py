"""The real command as a subprocess, and what it leaves in the database."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import psutil  # type: ignore[import-untyped]  # psutil ships no types
from sqlalchemy import inspect, text

from db.engine import Database
from tests.homes import HOMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

T = TypeVar("T")

# Seconds until a test gives up; no test is faster or slower for it.
PATIENCE = 240.0

# Everything that a run finds out, by natural keys alone: numbers given by the database differ.
_ROWS = """
SELECT images.path, images.outcome, images.reason, contents.sha256,
       faces."index", faces.x0, faces.y0, faces.x1, faces.y1, faces.detector, faces.score,
       predictions.label, predictions.confidence, predictions.unknown,
       embeddings.vector, crops.jpeg
FROM images
LEFT JOIN contents ON contents.id = images.content_id
LEFT JOIN faces ON faces.detection_id = images.detection_id
LEFT JOIN predictions ON predictions.face_id = faces.id
LEFT JOIN embeddings ON embeddings.face_id = faces.id
LEFT JOIN crops ON crops.face_id = faces.id
WHERE images.run_id = (SELECT max(id) FROM runs)
"""


class Kaolabel:
    """The command in a home of its own, with a scrubbed environment.

    Args:
        home: KAOLABEL_HOME.
        settings: more environment variables.
    """

    def __init__(self, home: Path, **settings: str) -> None:
        scrubbed = {k: v for k, v in os.environ.items() if not k.startswith("KAOLABEL_")}
        self.home = home
        self.environment = {
            **scrubbed,
            "KAOLABEL_HOME": str(home),
            **HOMES.settings(home),
            **settings,
        }

    def start(self, *arguments: str | bytes) -> subprocess.Popen[str]:
        """Start the command and let it run."""
        return subprocess.Popen(
            [sys.executable, "-m", "kaolabel", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str | bytes) -> subprocess.CompletedProcess[str]:
        """Run the command to its end, whatever that is."""
        return finish(self.start(*arguments))

    def json(self, *arguments: str | bytes) -> dict[str, Any]:
        """Run the command with --json; it must succeed and print one object."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def rows(self) -> list[tuple[Any, ...]]:
        """What the newest run found out, sorted."""
        return sorted((_plain(row) for row in self.query(_ROWS)), key=repr)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """What a query finds in the database; nothing where that has no tables yet."""
        with self.database() as database, database.read() as connection:
            if not inspect(connection).get_table_names():
                return []
            return [tuple(row) for row in connection.execute(text(statement))]

    @contextmanager
    def database(self) -> Iterator[Database]:
        """The database, for as long as the block."""
        database = Database(self.database_url)
        try:
            yield database
        finally:
            database.close()

    @property
    def database_url(self) -> str:
        """The URL of the database, whether it is named or the default."""
        return self.environment.get("KAOLABEL_DATABASE_URL", HOMES.url(self.home))


def finish(
    process: subprocess.Popen[str], *, timeout: float = 180
) -> subprocess.CompletedProcess[str]:
    """Wait for a command; what it printed, and how it ended."""
    out, err = process.communicate(timeout=timeout)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def wait_for(condition: Callable[[], T], *, what: str, seconds: float = PATIENCE) -> T:
    """Wait until the condition holds; what it gave then."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.05)
    return found


def descendants(process: subprocess.Popen[str], kind: str) -> list[psutil.Process]:
    """Living descendants whose command line has `kind` in it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
        return [one for one in family if kind in command_line(one)]
    return []


def command_line(process: psutil.Process) -> str:
    """The command line, empty for a process that is gone by now."""
    with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        return " ".join(process.cmdline())
    return ""


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Booleans are numbers in SQLite."""
    return tuple(int(value) if isinstance(value, bool) else value for value in row)
