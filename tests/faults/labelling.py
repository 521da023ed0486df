"""A run of the real command in a cluster, and faults while it goes on."""

from __future__ import annotations

import contextlib
import random
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from tests.command import PATIENCE, wait_for
from tests.faults import oracle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.faults.cluster import Cluster
    from tests.faults.oracle import Findings, Verdict
    from tests.faults.services import Child

_TICK = 0.1

# How a command ends that was killed or interrupted, or that gave up on a server.
_KILLED = {-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT}
_INTERRUPTED, _GAVE_UP = 130, 3

# How it ends while the ledger takes the one before for alive, and what it says last then.
_REFUSED, _STILL_AT_WORK = 2, "is at work in this archive right now; wait for it, or stop it"

# Between two starts of the command.
_RESTART_SECONDS = 3.0


class Labelling:
    """One run of an archive; its command is started again, by `resume`, as often as it dies.

    Attributes:
        command: the command that runs right now.
        recovery: the longest time in seconds from a fault to the next finished image.
        faults: how many there were.
        kinds: how many of each kind, where kinds were named.
        deaths: how often the command was started again.
    """

    def __init__(self, cluster: Cluster, archive: Path, *options: str) -> None:
        self.cluster = cluster
        self.archive = archive
        self.recovery = 0.0
        self.faults = 0
        self.kinds: Counter[str] = Counter()
        self.deaths = 0
        self._options = options or ("--detect-only",)
        self._since: tuple[float, int] | None = None
        self._run: int | None = None
        before = cluster.value("SELECT coalesce(max(id), 0) FROM runs")
        self._before = int(before)
        self._launched_at = 0.0
        self.command = self._launch("label", str(archive), *self._options)

    @property
    def run(self) -> int:
        """The run's number; waits until there is one."""
        if self._run is None:
            query = "SELECT coalesce(max(id), 0) FROM runs WHERE id > :before"
            wait_for(
                lambda: self.cluster.value(query, before=self._before),
                what=f"the beginning of a run\n{self.command.log.read_text()}",
            )
            self._run = int(self.cluster.value(query, before=self._before))
        return self._run

    @property
    def done(self) -> int:
        """How many images have an outcome by now."""
        query = "SELECT count(*) FROM images WHERE run_id = :run AND NOT due"
        return int(self.cluster.value(query, run=self.run))

    @property
    def state(self) -> str:
        """What the ledger says of the run."""
        return str(self.cluster.value("SELECT state FROM runs WHERE id = :run", run=self.run))

    @property
    def driven(self) -> bool:
        """Whether the command that runs right now has taken up the run."""
        query = "SELECT state = 'active' AND heartbeat_at > :at FROM runs WHERE id = :run"
        is_at_work = self.cluster.value(query, run=self.run, at=self._launched_at)
        return bool(is_at_work) and self.command.alive

    def interrupt(self) -> None:
        """Ask the command to stop, as Ctrl-C does."""
        self.command.signal(signal.SIGINT)

    def until(self, images: int) -> None:
        """Go on until so many images have an outcome."""
        for _ in self.ticks():
            if self.done >= images:
                return

    def moments(self, times: int, rng: random.Random, *, within: float = 2.0) -> Iterator[int]:
        """So many moments spread over the run, each at random in the work that then goes on.

        Args:
            times: how many; they are numbered from zero.
            rng: says how long after a commit a moment is.
            within: seconds that this may be at most.
        """
        files = len(oracle.walk(self.archive))
        for number in range(times):
            self.until(files * number // (times + 1))
            time.sleep(rng.uniform(0.0, within))
            yield number

    def fault(self, action: Callable[[], object], *, kind: str | None = None) -> None:
        """Do something bad, and measure how long it takes until the next image is done."""
        done = self._progress()
        action()
        self.faults += 1
        if kind is not None:
            self.kinds[kind] += 1
        self._since = (time.monotonic(), done)

    def mend(self, action: Callable[[], object]) -> None:
        """Undo something bad; the time until the next image is done counts from here on."""
        self._since = None
        done = self._progress()
        action()
        self._since = (time.monotonic(), done)

    def ticks(self, *, patience: float = PATIENCE) -> Iterator[int]:
        """How many images are done, again and again until the run is finished.

        The command is started again with `resume` when it was killed.

        Args:
            patience: seconds without any progress after which the test fails.
        """
        deadline, last = time.monotonic() + patience, -1
        while not self._finished():
            done = self._progress()
            if done != last:
                deadline, last = time.monotonic() + patience, done
            assert time.monotonic() < deadline, f"no progress at {done}\n{self.cluster.logs()}"
            yield done
            time.sleep(_TICK)

    def finish(self) -> None:
        """Go on to the end."""
        for _ in self.ticks():
            pass

    def judge(self, expected: Findings) -> Verdict:
        """What the oracle says, once the run is finished."""
        return oracle.judge(self.cluster.database, self.run, self.archive, expected)

    def _finished(self) -> bool:
        code = self.command.exit_code
        if code in {None, 0}:
            return code == 0
        said = self.command.log.read_text().rstrip()
        was_early = code == _REFUSED and said.endswith(_STILL_AT_WORK)
        may_resume = was_early or code in {*_KILLED, _INTERRUPTED, _GAVE_UP}
        assert may_resume, f"exit code {code}\n{said}\n{self.cluster.logs()}"
        if time.time() > self._launched_at + _RESTART_SECONDS:
            self.deaths += not was_early
            self.command = self._launch("resume", str(self.run))
        return False

    def _launch(self, *arguments: str) -> Child:
        self._launched_at = time.time()
        command = self.cluster.command(*arguments)
        command.launch()
        return command

    def _progress(self) -> int:
        """Images done; notes how long the last fault has kept the run up."""
        with contextlib.suppress(DBAPIError):
            done = self.done
            if self._since is not None and done > self._since[1]:
                self.recovery = max(self.recovery, time.monotonic() - self._since[0])
                self._since = None
            return done
        return -1


def dice(seed: int) -> random.Random:
    """Where faults come from; the seed is printed, and shown when the test fails."""
    print(f"faults come from seed {seed}")  # noqa: T201  # pytest shows it with a failure
    return random.Random(seed)
