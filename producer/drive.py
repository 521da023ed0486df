"""Drives a run: lists its archive, keeps the queue filled, and watches until all is done."""

from __future__ import annotations

import itertools
import math
import time
from typing import TYPE_CHECKING

from db.errors import ArchiveGoneError, UsageError
from db.records import Progress, RunRecord, RunState
from db.store import images, jobs, producers, relabels, runs
from producer.enqueue import Enqueuer
from producer.gauge import Gauge
from producer.walk import Walk
from worker.reading import require_archive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from celery import Celery
    from sqlalchemy import Connection

    from db.engine import Database
    from db.records import FileEntry, RelabelRecord

# Files listed in one transaction.
_BATCH = 1000

# Seconds between two looks at the ledger when there is nothing to list: few where the next look may
# be the last, more where many jobs are still to be done and a look takes time from the workers.
_SHORT_PAUSE, _PAUSE = 0.2, 1.0
_FEW_JOBS = 4
_BEAT = 5.0


class Tender:
    """Keeps a run going: workers alive, the queue filled, its heart beating.

    Args:
        database: the ledger.
        app: the application that publishes.
        run: an active run or relabelling of this process.
        watch: called again and again; raises when the workers cannot go on.
        report: called again and again with the progress and what workers complain of.

    Attributes:
        database: the ledger, waited for as long as it is away; that is reported, too.
    """

    def __init__(
        self,
        database: Database,
        app: Celery,
        run: RunRecord | RelabelRecord,
        *,
        watch: Callable[[], None],
        report: Callable[[Progress, list[str]], None],
    ) -> None:
        self.database = database.with_patience(math.inf, told=self._away)
        self._run = run
        self._enqueuer = Enqueuer(self.database, app, run)
        self._gauge = Gauge()
        self._watch = watch
        self._report = report
        self._beaten_at = time.monotonic()
        self._taken_over = False
        self._progress = Progress(listed=0, done=0, jobs_in_flight=0, jobs_open=0)

    def tend(self) -> Progress:
        """Do whatever is due, and say how far the run is.

        Raises:
            ArchiveGoneError: when a worker found the archive gone and stopped the run.
            UsageError: when another command or relabelling has taken this one's place.
            UnavailableError: when the database cannot be used until somebody mends it.
        """
        self._watch()
        self._enqueuer.top_up()
        self._beat()
        run, self._progress, complaints = self.database.fetch(self._look)
        if run.state != RunState.ACTIVE:
            error = ArchiveGoneError if isinstance(run, RunRecord) else UsageError
            raise error(run.reason or f"run {run.id} is {run.state}")
        if self._taken_over:
            raise UsageError(f"another command has taken over run {run.id}")
        if self._enqueuer.complaint is not None:
            complaints.append(self._enqueuer.complaint)
        self._report(self._progress, complaints)
        return self._progress

    def wait(self) -> None:
        """Tend until every job is done and no other one can be cut."""
        while self.tend().jobs_open or not self._enqueuer.exhausted:
            self.pause()

    def pause(self) -> None:
        """Sleep until the next look is due."""
        is_late = self._progress.jobs_open <= _FEW_JOBS
        time.sleep(_SHORT_PAUSE if is_late else _PAUSE)

    def _look(
        self, connection: Connection
    ) -> tuple[RunRecord | RelabelRecord, Progress, list[str]]:
        run = relabels.either(connection, self._run.id)
        return run, self._gauge.read(connection, run), jobs.errors(connection, run.id)

    def _beat(self) -> None:
        if time.monotonic() - self._beaten_at > _BEAT:
            beaten = self.database.commit(lambda c: producers.beat(c, self._run.id))
            self._taken_over = not beaten
            self._beaten_at = time.monotonic()

    def _away(self) -> None:
        # The workers may need to be looked after all the same.
        self._watch()
        complaint = f"the database {self.database.display} does not answer; still trying"
        self._report(self._progress, [complaint])


class Driver:
    """One run from its first file to its last result.

    Args:
        database: the ledger.
        app: the application that publishes.
        run: an active run.
        version_id: the model version that every face should have a prediction by, or None.
        leave_out: folders that are not entered.
        watch: see `Tender`.
        report: see `Tender`.
    """

    def __init__(
        self,
        database: Database,
        app: Celery,
        run: RunRecord,
        *,
        version_id: int | None,
        leave_out: frozenset[bytes],
        watch: Callable[[], None],
        report: Callable[[Progress, list[str]], None],
    ) -> None:
        self._run = run
        self._version_id = version_id
        self._walk = Walk(run.root, leave_out=leave_out)
        self._tender = Tender(database, app, run, watch=watch, report=report)
        self._database = self._tender.database
        self._listed = 0

    def drive(self) -> None:
        """List, publish and wait.

        Raises:
            ArchiveGoneError: when the archive's folder is gone at the end of the walk, or a worker
                found it gone and stopped the run.
        """
        for batch in _batches(iter(self._walk)):
            self._register(batch)
            self._tender.tend()
        # A folder that vanished in the middle of the walk looks like one with fewer files.
        require_archive(self._run.root)
        self._database.commit(
            lambda connection: runs.mark_walked(
                connection, self._run.id, skipped=self._walk.skipped.total()
            )
        )
        while _is_left(self._tender.tend()):
            self._tender.pause()
        self._database.commit(lambda connection: runs.finish(connection, self._run.id))

    @property
    def skipped(self) -> dict[str, int]:
        """What the walk left out, by kind."""
        return dict(self._walk.skipped)

    def _register(self, batch: list[FileEntry]) -> None:
        self._listed += len(batch)

        def register(connection: Connection) -> None:
            images.register(connection, self._run, batch, version_id=self._version_id)
            # Not a sum in the ledger, which a second try would make too large.
            runs.mark_listed(connection, self._run.id, listed=self._listed)

        self._database.commit(register)


def _is_left(progress: Progress) -> bool:
    return progress.done < progress.listed or progress.jobs_open > 0


def _batches(entries: Iterator[FileEntry]) -> Iterator[list[FileEntry]]:
    while batch := list(itertools.islice(entries, _BATCH)):
        yield batch
