"""The queue as the ledger knows it: which messages were sent, and how quickly jobs are done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import case, func, select, union, update

from db.clock import now
from db.records import JobState
from db.store import jobs, runs
from db.tables import Job

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

# Seconds for which a worker that has done a job counts as being at work.
_LATELY = 60.0


@dataclass(frozen=True, slots=True)
class JobStory:
    """What a job is, for people who watch.

    Attributes:
        size: how many images or faces it holds.
        unit: `images` or `faces`.
        needs: the version that a worker must know to do it.
    """

    job_id: int
    run_id: int
    size: int
    unit: str
    needs: int

    def told(self) -> dict[str, int]:
        """The story as a message's arguments are shown."""
        return {"run": self.run_id, "job": self.job_id, self.unit: self.size}


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


def mark_published(connection: Connection, job_ids: Sequence[int]) -> None:
    """Note that a message was sent for each of the jobs."""
    connection.execute(update(Job).where(Job.id.in_(job_ids)).values(published_at=now()))


def stories(connection: Connection, job_ids: Sequence[int]) -> list[JobStory]:
    """What there is to tell of each of the jobs, by number."""
    unit = case((Job.first_face.is_(None), "images"), else_="faces")
    query = select(Job.id, Job.run_id, Job.size, unit, Job.needs).order_by(Job.id)
    return [JobStory(*row) for row in connection.execute(query.where(Job.id.in_(job_ids)))]
