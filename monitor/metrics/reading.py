"""What the ledger tells at one moment, for a scraper."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from db.store import metering, runs, workers
from monitor.metrics.totals import Totals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from db.engine import Database
    from db.records import RunState
    from db.store.metering import ModelHistory, OpenJobs, RunExtent
    from db.store.workers import WorkerRecord
    from monitor.metrics.totals import Sums

# The count of all images that wait holds for so many times as long as it took.
_HOLDS = 100


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the ledger.

    Attributes:
        sums: what all jobs have found out.
        jobs: those that are not done.
        runs: unfinished runs, by kind and state.
        extents: how far each labelling is.
        refused: images by outcome and reason.
        models: what is live, and how often that changed.
        trainings: by state.
        workers: everyone who was heard of within a day.
        size: bytes of the database.
        seconds: how long the look took.
    """

    sums: Sums
    jobs: Sequence[OpenJobs]
    runs: Mapping[tuple[str, RunState], int]
    extents: Sequence[RunExtent]
    refused: Mapping[tuple[str, str], int]
    models: ModelHistory
    trainings: Mapping[str, int]
    workers: Sequence[WorkerRecord]
    size: int
    seconds: float


@dataclass(slots=True)
class Reader:
    """Reads the ledger again and again; what was summed up once is not read twice.

    Args:
        database: at a revision that this kaolabel knows.
    """

    database: Database
    _totals: Totals = field(default_factory=Totals)
    _slow: _Slow | None = None

    def read(self) -> Reading:
        """One look, in one transaction.

        Raises:
            DBAPIError: when the database does not answer.
        """
        started = time.monotonic()
        with self.database.read() as connection:
            metering.limit(connection)
            states = metering.run_states(connection)
            return Reading(
                sums=self._totals.catch_up(connection, states),
                jobs=metering.open_jobs(connection),
                runs=Counter(found for found in states.values() if found[1] in runs.UNFINISHED),
                extents=self._slowly(connection).extents,
                refused=metering.refused(connection),
                models=metering.model_history(connection),
                trainings=metering.trainings(connection),
                workers=workers.every(connection),
                size=metering.size(connection),
                seconds=time.monotonic() - started,
            )

    def _slowly(self, connection: Connection) -> _Slow:
        started = time.monotonic()
        if self._slow is None or started > self._slow.until:
            extents = metering.extents(connection)
            took = time.monotonic() - started
            self._slow = _Slow(extents, until=started + took * _HOLDS)
        return self._slow


@dataclass(frozen=True, slots=True)
class _Slow:
    """What is counted less often, and until when that holds, by the monotonic clock."""

    extents: Sequence[RunExtent]
    until: float
