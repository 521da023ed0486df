"""Jobs: claimed, leased, given back, recovered; the ledger behind the messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import or_, select, update

from db.clock import is_over, now
from db.errors import KaolabelError
from db.records import Claim, JobState, RunState
from db.store import cutting, relabels, runs
from db.tables import Job, Run
from db.version import JOB_VERSION

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from db.figures import JobFigures

# Seconds for which a claim holds unless it is renewed.
LEASE = 30.0

# Seconds for which a job may be given back at most.
LONGEST_DELAY = 60.0


class FencedError(KaolabelError):
    """Raised when a job was taken over by another worker; nothing of this one is written."""


def claim(connection: Connection, job_id: int, *, worker: str) -> Claim | None:
    """Take a job, or None when it is done, held by a live worker, or its run is not active.

    Nor is one taken that is for newer workers, whatever its message said.
    """
    row = connection.execute(
        update(Job)
        .where(Job.id == job_id, _claimable(), Job.needs <= JOB_VERSION)
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


def is_held(connection: Connection, claim: Claim, *, worker: str) -> bool:
    """Whether the job's newest claim is this one, and is this worker's."""
    held = select(Job.id).where(*_held(claim), Job.worker == worker)
    return connection.scalar(held) is not None


def renew(connection: Connection, claim: Claim) -> bool:
    """Extend the lease; False when the job was taken over or its run was stopped."""
    renewed = connection.execute(
        update(Job)
        .where(*_held(claim))
        .where(Job.run_id.in_(select(Run.id).where(Run.state == RunState.ACTIVE)))
        .values(state=JobState.LEASED, lease_until=now() + LEASE)
    )
    return renewed.rowcount == 1


def release(
    connection: Connection, claim: Claim, *, error: str, refund: bool, delay: float = 0.0
) -> None:
    """Give a job back; `refund` for causes that are not the job's own fault.

    Args:
        connection: in a transaction that may write.
        claim: ends with this, whatever its worker still does.
        error: why, for people.
        refund: whether the attempt does not count.
        delay: seconds until the job is offered again, `LONGEST_DELAY` at most.
    """
    connection.execute(
        update(Job)
        .where(*_held(claim))
        .values(
            state=JobState.QUEUED,
            attempts=Job.attempts - (1 if refund else 0),
            generation=Job.generation + 1,
            lease_until=None,
            published_at=None,
            not_before=now() + delay,
            error=error,
        )
    )


def repay(connection: Connection, claim: Claim, *, error: str) -> None:
    """Give back a job whose worker lost the database, and refund the attempt in any case.

    Others may have claimed the job since, and lost it, too: the attempt that the outage cost is not
    the job's fault all the same. Who pays twice only has the job tried once more.
    """
    connection.execute(
        update(Job)
        .where(Job.id == claim.job_id, Job.generation >= claim.generation, Job.attempts > 0)
        .where(Job.state.in_(runs.OPEN_JOBS))
        .values(attempts=Job.attempts - 1)
    )
    release(connection, claim, error=error, refund=False)


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


def note(connection: Connection, claim: Claim, figures: JobFigures) -> None:
    """Keep what a finished job found and how long it took."""
    connection.execute(update(Job).where(Job.id == claim.job_id).values(figures=figures.to_json()))


def postpone(connection: Connection, job_id: int, *, delay: float) -> None:
    """Have a job that nobody claimed offered again, in so many seconds."""
    connection.execute(
        update(Job)
        .where(Job.id == job_id, Job.state == JobState.QUEUED)
        .values(published_at=None, not_before=now() + delay)
    )


def fail(connection: Connection, claim: Claim, *, error: str) -> None:
    """Count a claim as lost: `recover` requeues the job, and splits it when that goes on."""
    connection.execute(
        update(Job)
        .where(*_held(claim))
        .values(state=JobState.LEASED, lease_until=0.0, generation=Job.generation + 1, error=error)
    )


def take_over(connection: Connection, run_id: int, *, workers_are_dead: bool) -> None:
    """Make a run's queued jobs be published anew; free the leased ones of workers known dead.

    Those died with their command and not of their jobs, so that their attempts do not count.
    """
    connection.execute(
        update(Job)
        .where(Job.run_id == run_id, Job.state == JobState.QUEUED)
        .values(published_at=None)
    )
    if workers_are_dead:
        refund(connection, Job.run_id == run_id)


def refund(connection: Connection, which: ColumnElement[bool]) -> int:
    """Queue leased jobs again at no attempt, and fence off who holds them; how many there were."""
    given = connection.execute(
        update(Job)
        .where(which, Job.state == JobState.LEASED)
        .values(
            state=JobState.QUEUED,
            attempts=Job.attempts - 1,
            generation=Job.generation + 1,
            published_at=None,
            lease_until=None,
        )
    )
    return int(given.rowcount)


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


def is_due() -> ColumnElement[bool]:
    """Whether a job that was given back for a while may be offered again."""
    return is_over(Job.not_before, ahead=LONGEST_DELAY)


def is_lost() -> ColumnElement[bool]:
    """Whether a leased job's lease has run out."""
    return is_over(Job.lease_until, ahead=LEASE)


def _claimable() -> ColumnElement[bool]:
    queued = (Job.state == JobState.QUEUED) & is_due()
    lost = (Job.state == JobState.LEASED) & is_lost()
    # A job that was lost too often is for `recover` to split, not for one more worker to die on.
    return or_(queued, lost & (Job.attempts < cutting.MAX_LOST_CLAIMS))


def _held(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    # A job that was requeued is still its worker's until somebody else claims it: after an outage
    # that outlasted the lease, what was worked out meanwhile is not lost.
    return (
        Job.id == claim.job_id,
        Job.generation == claim.generation,
        Job.state.in_(runs.OPEN_JOBS),
    )
