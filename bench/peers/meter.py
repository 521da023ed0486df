"""What a command costs: seconds, processor seconds and memory, with all that it starts."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import psutil  # type: ignore[import-untyped]  # psutil ships no types

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_EVERY = 1.0
_PATIENCE = 20.0
_LONGEST = 3600.0
_LINES = 15


class FailedError(Exception):
    """Raised when a contestant does not end well; says how, and its last lines."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What something took.

    Attributes:
        seconds: on the clock.
        cpu: processor seconds, of users and of the system, of all processes.
        rss: most resident bytes of all processes together, looked at once a second; pages that
            several of them share count as often.
    """

    seconds: float
    cpu: float
    rss: int


def adopt_orphans() -> None:
    """Have this process inherit the children of its descendants, so that none goes uncounted."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1)


class Meter(threading.Thread):
    """Measures all children of this process; a context manager.

    When the block ends, children that are left are given some seconds, and killed: the kernel
    adds up their processor time once they are gone.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._ended = threading.Event()
        self._rss = 0
        self._seen: dict[int, float] = {}
        self._seconds: float | None = None
        self.start_clock()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_exception: object) -> None:
        self.stop_clock()
        self._ended.set()
        self.join()
        end_children(patience=0 if kind else _PATIENCE)

    def start_clock(self) -> None:
        """Leave out what has been until now."""
        self._before = _children_cpu()
        self._began = time.monotonic()

    def stop_clock(self) -> None:
        """Note that the work is done; what follows is tidying up."""
        if self._seconds is None:
            self._seconds = time.monotonic() - self._began

    @property
    def cost(self) -> Cost:
        """What was measured; complete when the block has ended."""
        # The kernel leaves out children whose parent does not care for their end, as Ray's may not.
        cpu = max(_children_cpu() - self._before, sum(self._seen.values()))
        return Cost(self._seconds or 0.0, cpu, self._rss)

    def run(self) -> None:
        """Look at memory and processor time."""
        myself = psutil.Process()
        while not self._ended.wait(_EVERY):
            rss = 0
            for process in myself.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    rss += process.memory_info().rss
                    used = process.cpu_times()
                    self._seen[process.pid] = used.user + used.system
            self._rss = max(self._rss, rss)


def measure(command: Sequence[str], environment: Mapping[str, str], *, log: Path) -> Cost:
    """Run a command to its end.

    Args:
        command: its line.
        environment: all of its environment.
        log: where its standard output and error go.

    Raises:
        FailedError: it did not end well.
    """
    with Meter() as meter:
        call(command, environment, log=log)
        meter.stop_clock()
    return meter.cost


def call(command: Sequence[str], environment: Mapping[str, str], *, log: Path) -> None:
    """Run a command to its end, of which its log is told when it is a bad one.

    Raises:
        FailedError: it did not end well.
    """
    try:
        with log.open("wb") as stream:
            subprocess.run(
                command,
                env=environment,
                stdout=stream,
                stderr=stream,
                check=True,
                timeout=_LONGEST,
            )
    except subprocess.SubprocessError as error:
        last = log.read_text(errors="replace").splitlines()[-_LINES:]
        raise FailedError("\n".join([str(error), *last])) from error


def end_children(*, patience: float) -> None:
    """Wait for all children that are left; kill those that take longer."""
    deadline = time.monotonic() + patience
    while _reap():
        if time.monotonic() > deadline:
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    process.send_signal(signal.SIGKILL)
        time.sleep(0.05)


def _reap() -> bool:
    """Take leave of children that have ended; whether there are others."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
        return True
    return False


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
