"""Jobs: claimed, leased, given back, recovered; the ledger behind the messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select, update

from db.clock import now
from db.errors import KaolabelError
from db.records import Claim, JobState, RunState
from db.store import cutting, relabels, runs
from db.tables import Job, Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection

# Seconds for which a claim holds unless it is renewed.
LEASE = 30.0


class FencedError(KaolabelError):
    """Raised when a job was taken over by another worker; nothing of this one is written."""


def mark_published(connection: Connection, job_ids: Sequence[int]) -> None:
    """Note that a message was sent for each of the jobs."""
    connection.execute(update(Job).where(Job.id.in_(job_ids)).values(published_at=now()))


def of_faces(connection: Connection, job_ids: Sequence[int]) -> set[int]:
    """Those of the jobs that hold faces, not images."""
    return set(
        connection.scalars(select(Job.id).where(Job.id.in_(job_ids), Job.first_face.is_not(None)))
    )


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
            .where(Job.published_at.is_(None), Job.not_before <= now())
            .order_by(Job.id)
        )
    )


def claim(connection: Connection, job_id: int, *, worker: str) -> Claim | None:
    """Take a job, or None when it is done, held by a live worker, or its run is not active."""
    row = connection.execute(
        update(Job)
        .where(Job.id == job_id, _claimable())
        .where(Job.run_id.in_(select(Run.id).where(Run.state == RunState.ACTIVE)))
        .values(
            state=JobState.LEASED,
            attempts=Job.attempts + 1,
            generation=Job.generation + 1,
            lease_until=now() + LEASE,
            worker=worker,
            claimed_at=now(),
        )
        .returning(Job.generation, Job.attempts, Job.run_id)
    ).one_or_none()
    if row is None:
        return None
    run = relabels.either(connection, row.run_id)
    return Claim(job_id=job_id, generation=row.generation, attempts=row.attempts, run=run)


def renew(connection: Connection, claim: Claim) -> bool:
    """Extend the lease; False when the job was taken over or its run was stopped."""
    renewed = connection.execute(
        update(Job)
        .where(*_held(claim))
        .where(Job.run_id.in_(select(Run.id).where(Run.state == RunState.ACTIVE)))
        .values(lease_until=now() + LEASE)
    )
    return renewed.rowcount == 1


def release(
    connection: Connection, claim: Claim, *, error: str, refund: bool, delay: float = 0.0
) -> None:
    """Give a job back; `refund` for causes that are not the job's own fault."""
    connection.execute(
        update(Job)
        .where(*_held(claim))
        .values(
            state=JobState.QUEUED,
            attempts=Job.attempts - (1 if refund else 0),
            lease_until=None,
            published_at=None,
            not_before=now() + delay,
            error=error,
        )
    )


def finish(
    connection: Connection,
    claim: Claim,
    *,
    version_id: int | None,
    decoded: int,
    error: str | None = None,
) -> None:
    """Mark a claimed job done.

    Raises:
        FencedError: when the claim is no longer the job's newest one.
    """
    done = connection.execute(
        update(Job)
        .where(*_held(claim))
        .values(
            state=JobState.DONE,
            finished_at=now(),
            lease_until=None,
            decoded=decoded,
            version_id=version_id,
            error=error,
        )
    )
    if done.rowcount != 1:
        raise FencedError(f"job {claim.job_id} was taken over by another worker")


def fail(connection: Connection, claim: Claim, *, error: str) -> None:
    """Count a claim as lost: `recover` requeues the job, and splits it when that goes on."""
    connection.execute(update(Job).where(*_held(claim)).values(lease_until=0.0, error=error))


def expire(connection: Connection, job_id: int) -> None:
    """End the lease of a job whose worker process is known to be dead."""
    connection.execute(
        update(Job).where(Job.id == job_id, Job.state == JobState.LEASED).values(lease_until=0.0)
    )


def take_over(connection: Connection, run_id: int, *, workers_are_dead: bool) -> None:
    """Make a run's queued jobs be published anew; free the leased ones of workers known dead."""
    connection.execute(
        update(Job)
        .where(Job.run_id == run_id, Job.state == JobState.QUEUED)
        .values(published_at=None)
    )
    if workers_are_dead:
        connection.execute(
            update(Job)
            .where(Job.run_id == run_id, Job.state == JobState.LEASED)
            .values(state=JobState.QUEUED, published_at=None, lease_until=None)
        )


def recover(connection: Connection) -> list[int]:
    """Requeue lost claims, and cut a job in two that was lost three times; the jobs requeued."""
    lost = connection.execute(
        select(Job.id, Job.attempts)
        .where(Job.state == JobState.LEASED, Job.lease_until < now())
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
            .where(Job.state == JobState.QUEUED, Job.not_before <= now())
            .where(sent_or_due < now() - waiting)
            .where(Job.run_id.in_(select(Run.id).where(Run.state == RunState.ACTIVE)))
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


def errors(connection: Connection, run_id: int) -> list[str]:
    """What workers said last when they gave jobs of this run back; each once."""
    return list(
        connection.scalars(
            select(Job.error)
            .where(Job.run_id == run_id, Job.error.is_not(None))
            .where(Job.state.in_(runs.OPEN_JOBS))
            .distinct()
        )
    )


def _claimable() -> ColumnElement[bool]:
    queued = (Job.state == JobState.QUEUED) & (Job.not_before <= now())
    lost = (Job.state == JobState.LEASED) & (Job.lease_until < now())
    # A job that was lost too often is for `recover` to split, not for one more worker to die on.
    return or_(queued, lost & (Job.attempts < cutting.MAX_LOST_CLAIMS))


def _held(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    return (
        Job.id == claim.job_id,
        Job.generation == claim.generation,
        Job.state == JobState.LEASED,
    )


def _requeue(connection: Connection, job_id: int) -> None:
    connection.execute(
        update(Job)
        .where(Job.id == job_id)
        .values(state=JobState.QUEUED, lease_until=None, published_at=None)
    )
