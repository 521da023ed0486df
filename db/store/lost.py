"""What workers have lost: leases that ran out or whose process died, and messages that got lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from db.clock import is_over, now
from db.records import JobState, RunState
from db.store import cutting, jobs
from db.tables import Job, Run

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Lease:
    """A claim that holds, and the process that has it, as HOST:PID."""

    job_id: int
    generation: int
    worker: str


def leases(connection: Connection) -> list[Lease]:
    """Every lease that holds, by job."""
    rows = connection.execute(
        select(Job.id, Job.generation, Job.worker)
        .where(Job.state == JobState.LEASED, Job.lease_until > now())
        .order_by(Job.id)
    )
    return [Lease(row.id, row.generation, row.worker or "") for row in rows]


def expire(connection: Connection, lease: Lease) -> None:
    """End a lease whose worker process is known to be dead."""
    connection.execute(
        update(Job)
        .where(Job.id == lease.job_id, Job.generation == lease.generation)
        .where(Job.state == JobState.LEASED)
        .values(lease_until=0.0)
    )


def surrender(connection: Connection, worker: str) -> int:
    """Give back the job of a process that has to end before it; its attempt does not count.

    What that process still does is fenced off. How many jobs there were: one, or none.

    Args:
        connection: in a transaction that may write.
        worker: the process, as HOST:PID.
    """
    return jobs.refund(connection, Job.worker == worker)


def recover(connection: Connection) -> list[int]:
    """Requeue lost claims, and cut a job in two that was lost three times; the jobs requeued."""
    lost = connection.execute(
        select(Job.id, Job.attempts)
        .where(Job.state == JobState.LEASED, jobs.is_lost())
        .where(Job.run_id.in_(select(Run.id).where(Run.state == RunState.ACTIVE)))
        .order_by(Job.id)
        .with_for_update(skip_locked=True)
    ).all()
    again: list[int] = []
    for job in lost:
        if job.attempts < cutting.MAX_LOST_CLAIMS:
            _requeue(connection, job.id)
            again.append(job.id)
        else:
            again += cutting.split(connection, job.id)
    return again


def stale(connection: Connection, *, waiting: float) -> list[int]:
    """Queued jobs of active runs whose message was sent, or due, `waiting` seconds ago."""
    sent_or_due = func.coalesce(Job.published_at, Job.created_at)
    return list(
        connection.scalars(
            select(Job.id)
            .where(Job.state == JobState.QUEUED, jobs.is_due())
            .where(is_over(sent_or_due + waiting, ahead=waiting))
            .where(Job.run_id.in_(select(Run.id).where(Run.state == RunState.ACTIVE)))
            .order_by(Job.id)
        )
    )


def _requeue(connection: Connection, job_id: int) -> None:
    connection.execute(
        update(Job)
        .where(Job.id == job_id)
        .values(state=JobState.QUEUED, lease_until=None, published_at=None)
    )
