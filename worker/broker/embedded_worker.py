"""A worker as the child of one command, for machines on which nobody starts one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from db.errors import UnavailableError
from db.logs.clean import clean
from worker.broker import serve, tether

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# A worker that lives for less than this did not really start, and three in a row never will.
_START_SECONDS = 30.0
_MAX_QUICK_DEATHS = 3

# Long enough to finish a job, or to learn from its lease that the run is stopped; by itself a
# worker would go on for longer, but nobody else waits for this one's job.
_LAST_JOB_SECONDS = 15.0
# What a log may have grown to, in bytes, when a worker starts on it; the one before is kept.
_LARGEST_LOG = 10_000_000
# Bytes at the end of a log in which its last line is looked for.
_TAIL = 65_536
# In characters, of what is told of it.
_LONGEST_LINE = 500

# For the processes of a worker that is gone.
_LAST_WORDS_SECONDS = 2.0


class EmbeddedWorker:
    """A `kaolabel worker` child that is started again when it dies.

    Args:
        home: the folder for kaolabel's state; the worker's log goes below it.
        environment: of the worker; must name the broker and the database.
        proven: whether the caller has proven all that `kaolabel worker` would; it then starts in
            half the time.
    """

    def __init__(self, home: Path, environment: Mapping[str, str], *, proven: bool = False) -> None:
        self._command = (
            serve.command(serve.LABELLING, alone=True)
            if proven
            else [*kaolabel_command(), "worker"]
        )
        self.log = home.absolute() / "logs" / "worker.log"
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._quick_deaths = 0

    def __enter__(self) -> Self:
        """Start the worker; it takes its first job seconds later."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_exception: object) -> None:
        """Stop the worker; after an error or an interrupt it finishes or gives back its job first.

        A block that ends well has nothing left to do, and the ledger has it all: there is nothing
        that Celery could still do in the second that its own end takes.
        """
        if self._process is None:
            return
        if kind is None:
            tether.end(self._process, patience=_LAST_WORDS_SECONDS)
        else:
            tether.stop(self._process, patience=_LAST_JOB_SECONDS)

    def watch(self) -> None:
        """Start the worker again if it has died.

        Raises:
            UnavailableError: when it dies again and again right after its start.
        """
        if self._process is None or self._process.poll() is None:
            return
        lived = time.monotonic() - self._started_at
        self._quick_deaths = self._quick_deaths + 1 if lived < _START_SECONDS else 0
        if self._quick_deaths >= _MAX_QUICK_DEATHS:
            raise UnavailableError(f"the worker does not start: {last_line(self.log)}")
        self._start()

    def _start(self) -> None:
        self._started_at = time.monotonic()
        _make_room(self.log)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                tether.command(self._command, signal=signal.SIGKILL),
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C in a terminal goes to the whole group; the command decides what stops.
                start_new_session=True,
            )


def kaolabel_command() -> list[str]:
    """The command line of this installation's `kaolabel`."""
    return [sys.executable, "-m", "kaolabel"]


def last_line(log: Path) -> str:
    """What the last line of a log says, and where to read on."""
    with log.open("rb") as file:
        file.seek(max(file.seek(0, os.SEEK_END) - _TAIL, 0))
        lines = [line.strip() for line in file.read().decode(errors="replace").split("\n")]
    said = next((line for line in reversed(lines) if line), "it said nothing")
    return f"{clean(_event(said), longest=_LONGEST_LINE)} (see {log})"


def _event(line: str) -> str:
    """The sentence of a line in JSON; any other line as it is."""
    try:
        entry = json.loads(line)
        return str(entry["event"])
    except (ValueError, TypeError, LookupError, RecursionError):
        return line


def _make_room(log: Path) -> None:
    """Begin another log where this one is large: no worker writes to it now."""
    with suppress(FileNotFoundError):
        if log.stat().st_size > _LARGEST_LOG:
            log.replace(log.with_name(f"{log.name}.1"))
