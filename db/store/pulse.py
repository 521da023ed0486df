"""How the work goes on right now: what waits, how quickly it is done, and what was refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select, text

from db.clock import now
from db.records import JobState, Outcome, RunState
from db.store import producers, runs
from db.tables import Image, Job, Run

if TYPE_CHECKING:
    from sqlalchemy import Connection

# Seconds over which a rate is taken: some jobs of every worker.
WINDOW = 60.0


@dataclass(frozen=True, slots=True)
class Depth:
    """The open jobs of active runs.

    Attributes:
        queued: jobs that no worker has.
        leased: jobs that a worker has, or had when it was lost.
        oldest: seconds since the oldest of them was cut; None where there is none.
    """

    queued: int
    leased: int
    oldest: float | None


def clock(connection: Connection) -> float:
    """Seconds since the epoch, as the database tells them."""
    return float(connection.execute(select(now())).scalar_one())


def depth(connection: Connection) -> Depth:
    """What waits for workers, or is with them."""
    active = select(Run.id).where(Run.state == RunState.ACTIVE)
    rows = connection.execute(
        select(Job.state, func.count(), now() - func.min(Job.created_at))
        .where(Job.state.in_(runs.OPEN_JOBS), Job.run_id.in_(active))
        .group_by(Job.state)
    ).all()
    numbers = {state: number for state, number, _ in rows}
    return Depth(
        queued=numbers.get(JobState.QUEUED, 0),
        leased=numbers.get(JobState.LEASED, 0),
        oldest=max((max(age, 0.0) for *_, age in rows), default=None),
    )


def pace(connection: Connection, run_id: int) -> float:
    """Images, or faces of a relabelling, a second: of the jobs that were done in the last minute.

    They took from the first claim to the last commit. What goes on since then is left out, as a job
    takes some seconds and would make the rate swing; where all stands still it is 0 in a minute.
    """
    items, began, ended = connection.execute(
        select(func.sum(Job.size), func.min(Job.claimed_at), func.max(Job.finished_at)).where(
            *(Job.run_id == run_id, Job.state == JobState.DONE),
            Job.finished_at > now() - WINDOW,
        )
    ).one()
    # A clock may have been set back.
    if items is None or began is None or ended is None or ended <= began:
        return 0.0
    return float(items / (ended - began))


def driver(connection: Connection, run_id: int) -> str | None:
    """The process that drives an active run, as HOST:PID; None where none is heard of."""
    producer = producers.live(connection, Run.id == run_id)
    return None if producer is None else producer.holder


def refused(connection: Connection) -> dict[Outcome, dict[str, int]]:
    """How many images are unreadable or in quarantine, by reason, the most frequent first.

    A file that the last finished run of its archive did not list any more is left out.
    """
    last = (
        select(Run.archive_id, func.max(Run.id).label("run_id"))
        .where(Run.state == RunState.FINISHED)
        .group_by(Run.archive_id)
        .subquery()
    )
    rows = connection.execute(
        select(Image.outcome, Image.reason, func.count())
        .outerjoin(last, last.c.archive_id == Image.archive_id)
        # As the index has it: SQLite takes it for nothing else.
        .where(text("images.outcome IN ('unreadable', 'quarantined')"))
        .where(Image.run_id >= func.coalesce(last.c.run_id, 0))
        .group_by(Image.outcome, Image.reason)
    )
    found: dict[Outcome, dict[str, int]] = {}
    for outcome, reason, number in sorted(rows, key=lambda row: (-row[2], row[1] or "")):
        found.setdefault(Outcome(str(outcome)), {})[reason or "no_reason"] = number
    return found
