"""What all jobs have found out together, summed up as they are done."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from db.figures import STAGES, Histogram, JobFigures
from db.records import Outcome, RunState
from db.store import metering, relabels, runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

# Runs that will have no more jobs.
_OVER = (RunState.FINISHED, RunState.SUPERSEDED)


@dataclass(frozen=True, slots=True)
class Sums:
    """Figures of many jobs, added up.

    Attributes:
        jobs: jobs done, by the kind of their run.
        outcomes: images by outcome.
        faces: new faces by detector.
        unknown: new faces that are none of the known labels.
        stages: times by stage.
    """

    jobs: Mapping[str, int]
    outcomes: Mapping[str, int]
    faces: Mapping[str, int]
    unknown: int
    stages: Mapping[str, Histogram]


@dataclass(slots=True)
class Totals:
    """Adds every job that is done once, however late its row appears.

    It goes by numbers and not by times: a job that took long to be committed bears an old time, and
    clocks are set back. Once a run is over, none of its jobs is looked at again.
    """

    jobs: Counter[str] = field(
        default_factory=lambda: Counter({runs.LABEL: 0, relabels.RELABEL: 0})
    )
    outcomes: Counter[str] = field(
        default_factory=lambda: Counter({str(outcome): 0 for outcome in Outcome})
    )
    faces: Counter[str] = field(default_factory=Counter)
    unknown: int = 0
    stages: dict[str, Histogram] = field(
        default_factory=lambda: {stage: Histogram() for stage in STAGES}
    )
    _counted: dict[int, set[int]] = field(default_factory=dict)
    _over: set[int] = field(default_factory=set)

    def catch_up(self, connection: Connection, states: Mapping[int, tuple[str, RunState]]) -> Sums:
        """Add the jobs that were done since the last time; all sums.

        When the database fails in between, what was added stays so, and the rest is added the next
        time.

        Args:
            connection: for reading.
            states: kind and state of every run, as they were read just before: of a run that was
                over by then, no job is done later.

        Raises:
            DBAPIError: as from any query.
        """
        for run_id, (kind, state) in states.items():
            if run_id in self._over:
                continue
            self._add_run(connection, run_id, kind)
            if state in _OVER:
                self._over.add(run_id)
                del self._counted[run_id]
        return self.sums

    @property
    def sums(self) -> Sums:
        """A copy that stays as it is."""
        outcomes, faces, stages = dict(self.outcomes), dict(self.faces), dict(self.stages)
        return Sums(dict(self.jobs), outcomes, faces, self.unknown, stages)

    def _add_run(self, connection: Connection, run_id: int, kind: str) -> None:
        counted = self._counted.setdefault(run_id, set())
        fresh = sorted(metering.done_jobs(connection, run_id) - counted)
        for some in metering.figures(connection, fresh):
            for text in some.values():
                self._add(kind, text)
            counted.update(some)

    def _add(self, kind: str, text: str | None) -> None:
        self.jobs[kind] += 1
        figures = _read(text)
        self.outcomes.update(figures.outcomes)
        self.faces.update(figures.faces)
        self.unknown += figures.unknown
        for stage, times in figures.stages.items():
            self.stages[stage] = self.stages.get(stage, Histogram()) + times


def _read(text: str | None) -> JobFigures:
    """The figures of a job; empty where an older kaolabel left none, or one that nobody knows."""
    try:
        return JobFigures() if text is None else JobFigures.from_json(text)
    except ValueError:
        return JobFigures()
