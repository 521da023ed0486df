"""The queue as the ledger knows it: which messages were sent, and how quickly jobs are done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select, union

from db.clock import now
from db.records import JobState
from db.store import jobs, runs
from db.tables import Job

if TYPE_CHECKING:
    from sqlalchemy import Connection

# Seconds for which a worker that has done a job counts as being at work.
_LATELY = 60.0


def in_flight(connection: Connection, run_id: int) -> int:
    """How many of a run's jobs are published and not done."""
    return connection.execute(
        select(func.count(Job.published_at)).where(
            Job.run_id == run_id, Job.state.in_(runs.OPEN_JOBS)
        )
    ).scalar_one()


def unpublished(connection: Connection, run_id: int) -> list[int]:
    """Queued jobs of a run for which no message has been sent, though one is due."""
    return list(
        connection.scalars(
            select(Job.id)
            .where(Job.run_id == run_id, Job.state == JobState.QUEUED)
            .where(Job.published_at.is_(None), jobs.is_due())
            .order_by(Job.id)
        )
    )


def rate(connection: Connection, run_id: int) -> float | None:
    """What one worker did a second in the run's newest finished jobs; None before the first."""
    newest = (
        select(Job.size, (Job.finished_at - Job.claimed_at).label("seconds"))
        .where(Job.run_id == run_id, Job.state == JobState.DONE)
        .order_by(Job.finished_at.desc())
        .limit(4)
        .subquery()
    )
    items, seconds = connection.execute(
        select(func.sum(newest.c.size), func.sum(newest.c.seconds))
    ).one()
    return None if not items else items / max(seconds, 1e-3)


def workers(connection: Connection, run_id: int) -> int:
    """How many workers have a job of any run, or have just done one of this run."""
    busy = select(Job.worker).where(Job.state == JobState.LEASED, Job.lease_until > now())
    just_done = select(Job.worker).where(
        Job.run_id == run_id, Job.state == JobState.DONE, Job.finished_at > now() - _LATELY
    )
    some = union(busy, just_done).subquery()
    return connection.execute(select(func.count(some.c.worker))).scalar_one()
