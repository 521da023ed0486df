"""What is metered of the ledger: short queries that a scraper may ask again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select, text

from db.clock import now
from db.records import JobState, RunState
from db.store import models, runs
from db.store.upsert import chunks
from db.tables import Activation, Image, Job, Refusal, Run, Training

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

# Seconds after which PostgreSQL gives up a query that nobody waits for any more.
_LONGEST_QUERY = 20


@dataclass(frozen=True, slots=True)
class OpenJobs:
    """Jobs in one state that are not done, of runs in one state.

    Attributes:
        run: the state of their runs.
        job: their own state, queued or leased.
        jobs: how many.
        items: images of those jobs, or faces of relabellings.
        age: seconds since the oldest one was made.
    """

    run: RunState
    job: JobState
    jobs: int
    items: int
    age: float


@dataclass(frozen=True, slots=True)
class RunExtent:
    """A labelling at work: files listed so far, and how many of them wait for a worker."""

    run_id: int
    listed: int
    due: int


@dataclass(frozen=True, slots=True)
class ModelHistory:
    """What became of model versions.

    Attributes:
        active: the number of the live version, if there is one.
        activated_at: when it became live, in seconds since the epoch.
        activations: how often a version became live.
        rollbacks: how often the one before came back.
        refusals: hosts that cannot load the live version.
    """

    active: int | None
    activated_at: float | None
    activations: int
    rollbacks: int
    refusals: int


def limit(connection: Connection) -> None:
    """Have PostgreSQL end queries of this transaction that take too long; SQLite's are short."""
    if connection.dialect.name == "postgresql":
        value = {"value": f"{_LONGEST_QUERY}s"}
        connection.execute(text("SELECT set_config('statement_timeout', :value, true)"), value)


def run_states(connection: Connection) -> dict[int, tuple[str, RunState]]:
    """Kind and state of every run and relabelling, by number."""
    rows = connection.execute(select(Run.id, Run.kind, Run.state).order_by(Run.id))
    return {row.id: (row.kind, RunState(row.state)) for row in rows}


def done_jobs(connection: Connection, run_id: int) -> set[int]:
    """The jobs of a run that are done."""
    query = select(Job.id).where(Job.state == JobState.DONE, Job.run_id == run_id)
    return set(connection.scalars(query))


def figures(connection: Connection, job_ids: Sequence[int]) -> Iterator[dict[int, str | None]]:
    """What the jobs found out, as JSON by job, some jobs at a time; None where nobody noted it."""
    for some in chunks(job_ids):
        rows = connection.execute(select(Job.id, Job.figures).where(Job.id.in_(some)))
        yield {row.id: row.figures for row in rows}


def open_jobs(connection: Connection) -> list[OpenJobs]:
    """Jobs that are queued or leased, by their state and that of their run."""
    rows = connection.execute(
        select(
            Run.state,
            Job.state,
            func.count(),
            func.coalesce(func.sum(Job.size), 0),
            now() - func.min(Job.created_at),
        )
        .join(Run, Run.id == Job.run_id)
        .where(Job.state.in_(runs.OPEN_JOBS))
        .group_by(Run.state, Job.state)
        .order_by(Run.state, Job.state)
    )
    return [
        OpenJobs(RunState(run), JobState(job), count, int(items), max(age, 0.0))
        for run, job, count, items, age in rows
    ]


def extents(connection: Connection) -> list[RunExtent]:
    """How far every active labelling is; takes tenths of a second where a million images wait."""
    due = (
        select(func.count())
        .select_from(Image)
        .where(Image.run_id == Run.id, Image.due)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(Run.id, Run.listed, due)
        .where(Run.kind == runs.LABEL, Run.state == RunState.ACTIVE)
        .order_by(Run.id)
    )
    return [RunExtent(*row) for row in rows]


def refused(connection: Connection) -> dict[tuple[str, str], int]:
    """Images that are unreadable or in quarantine, by outcome and reason.

    Files that their archives have no more are counted, too: to tell them takes longer.
    """
    rows = connection.execute(
        select(Image.outcome, func.coalesce(Image.reason, "no_reason"), func.count())
        # As the index has it, so that no image is looked at.
        .where(text("outcome IN ('unreadable', 'quarantined')"))
        .group_by(Image.outcome, Image.reason)
    )
    return {(str(outcome), reason): count for outcome, reason, count in rows}


def model_history(connection: Connection) -> ModelHistory:
    """The live version, and how often another one became live."""
    rows = connection.execute(
        select(Activation.rollback, func.count()).group_by(Activation.rollback)
    )
    counts = {bool(rollback): count for rollback, count in rows}
    newest = connection.execute(
        select(Activation.version_id, Activation.at).order_by(Activation.id.desc()).limit(1)
    ).one_or_none()
    refusals = select(func.count()).select_from(Refusal)
    return ModelHistory(
        active=None if newest is None else newest.version_id,
        activated_at=None if newest is None else newest.at,
        activations=counts.get(False, 0),
        rollbacks=counts.get(True, 0),
        refusals=connection.execute(
            refusals.where(Refusal.version_id == models.active_version())
        ).scalar_one(),
    )


def trainings(connection: Connection) -> dict[str, int]:
    """How many trainings there are, by state."""
    rows = connection.execute(select(Training.state, func.count()).group_by(Training.state))
    return dict(rows.all())


def size(connection: Connection) -> int:
    """Bytes that the database takes on its disk."""
    if connection.dialect.name == "postgresql":
        return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)
    pages = connection.scalar(text("PRAGMA page_count")) or 0
    return int(pages) * int(connection.scalar(text("PRAGMA page_size")) or 0)
