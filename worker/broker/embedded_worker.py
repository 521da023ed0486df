"""A worker as the child of one command, for machines on which nobody starts one."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Self

from db.errors import UnavailableError
from worker.broker import serve, tether

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# A worker that lives for less than this did not really start, and three in a row never will.
_START_SECONDS = 30.0
_MAX_QUICK_DEATHS = 3

# Long enough to finish a job, or to learn from its lease that the run is stopped. Celery itself
# would sleep for all of `worker_soft_shutdown_timeout`, however soon the job in hand is done.
_LAST_JOB_SECONDS = 15.0
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
    """The last line that a log holds, and where to read on."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return f"{lines[-1].strip() if lines else 'it said nothing'} (see {log})"
