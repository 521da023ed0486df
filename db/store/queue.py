"""The queue as the ledger knows it: which messages were sent, and how quickly jobs are done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from db.records import JobState
from db.store import jobs, runs
from db.tables import Job

if TYPE_CHECKING:
    from sqlalchemy import Connection


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
