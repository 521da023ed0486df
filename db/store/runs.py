"""Runs and the archives that they label; a relabelling is a run without one (see `relabels`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from db import process
from db.clock import now
from db.errors import UsageError
from db.records import JobState, Progress, RunRecord, RunState
from db.store.upsert import insert_missing
from db.tables import Archive, Image, Job, Run

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Row, Select

LABEL = "label"

OPEN_JOBS = (JobState.QUEUED, JobState.LEASED)
UNFINISHED = (RunState.ACTIVE, RunState.STOPPED)


def display(path: bytes) -> str:
    """A path as text for people: bytes that are no UTF-8 appear as escapes."""
    return path.decode("utf-8", "backslashreplace")


def archive(connection: Connection, root: bytes) -> int:
    """The number of an archive; until the transaction ends, nobody else begins a run there."""
    row = {"root": root, "display": display(root)}
    insert_missing(connection, Archive, [row], key=("root",))
    query = select(Archive.id).where(Archive.root == root).with_for_update()
    return connection.execute(query).scalar_one()


def start(connection: Connection, *, root: bytes, chain_id: str, detect_only: bool) -> RunRecord:
    """Begin a run; unfinished earlier runs of the archive are superseded, their jobs cancelled."""
    archive_id = archive(connection, root)
    supersede(connection, Run.archive_id == archive_id)
    run_id = connection.execute(
        insert(Run)
        .values(
            kind=LABEL,
            archive_id=archive_id,
            chain_id=chain_id,
            detect_only=detect_only,
            state=RunState.ACTIVE,
            walked=False,
            listed=0,
            skipped=0,
            started_at=now(),
            heartbeat_at=now(),
            holder=process.this_process(),
        )
        .returning(Run.id)
    ).scalar_one()
    return get(connection, run_id)


def get(connection: Connection, run_id: int) -> RunRecord:
    """The run of that number.

    Raises:
        LookupError: when there is none.
    """
    row = connection.execute(_runs().where(Run.id == run_id)).one_or_none()
    if row is None:
        raise LookupError(f"there is no run {run_id}")
    return _record(row)


def find(connection: Connection, run_id: int) -> RunRecord:
    """The run that a person named.

    Raises:
        UsageError: when there is none of that number.
    """
    try:
        return get(connection, run_id)
    except LookupError as error:
        raise UsageError(f"{error}; `kaolabel status` lists them") from error


def every(connection: Connection, *, state: tuple[RunState, ...]) -> list[RunRecord]:
    """All runs in one of the states, oldest first."""
    rows = connection.execute(_runs().where(Run.state.in_(state)).order_by(Run.id))
    return [_record(row) for row in rows]


def latest(
    connection: Connection, *, archive_id: int | None = None, state: tuple[RunState, ...] = ()
) -> RunRecord | None:
    """The newest run, of an archive and in one of some states where given."""
    query = _runs().order_by(Run.id.desc()).limit(1)
    if archive_id is not None:
        query = query.where(Run.archive_id == archive_id)
    if state:
        query = query.where(Run.state.in_(state))
    row = connection.execute(query).one_or_none()
    return None if row is None else _record(row)


def activate(connection: Connection, run_id: int) -> RunRecord:
    """Take up a stopped run again."""
    take_up(connection, run_id, walked=False, listed=0)
    return get(connection, run_id)


def take_up(connection: Connection, run_id: int, **values: Any) -> None:
    """Make a run or relabelling active again, driven by this process."""
    connection.execute(
        update(Run)
        .where(Run.id == run_id)
        .values(
            state=RunState.ACTIVE,
            reason=None,
            heartbeat_at=now(),
            holder=process.this_process(),
            **values,
        )
    )


def mark_listed(connection: Connection, run_id: int, *, listed: int) -> None:
    """Record how many files of the archive are listed so far."""
    connection.execute(update(Run).where(Run.id == run_id).values(listed=listed))


def mark_walked(connection: Connection, run_id: int, *, skipped: int) -> None:
    """Record that every file of the archive is listed."""
    connection.execute(update(Run).where(Run.id == run_id).values(walked=True, skipped=skipped))


def stop(connection: Connection, run_id: int, *, reason: str) -> None:
    """Stop an active run; the first reason stays."""
    connection.execute(
        update(Run)
        .where(Run.id == run_id, Run.state == RunState.ACTIVE)
        .values(state=RunState.STOPPED, reason=reason, heartbeat_at=0.0, holder=None)
    )


def finish(connection: Connection, run_id: int) -> None:
    """Close a run of which nothing is left to do."""
    connection.execute(
        update(Run)
        .where(Run.id == run_id, Run.state == RunState.ACTIVE)
        .values(state=RunState.FINISHED, finished_at=now())
    )


def progress(connection: Connection, run_id: int, *, done: int | None = None) -> Progress:
    """How many images the run has listed and done, and its open jobs.

    Args:
        done: as it was counted before; None to count, which takes tenths of a second where a
            million images are due.
    """
    listed = connection.execute(select(Run.listed).where(Run.id == run_id)).scalar_one()
    if done is None:
        due = connection.execute(
            select(func.count()).select_from(Image).where(Image.run_id == run_id, Image.due)
        ).scalar_one()
        # A run that is walked again has more images due than listed at first.
        done = max(0, listed - due)
    in_flight, still_open = open_jobs(connection, run_id)
    return Progress(listed=listed, done=done, jobs_in_flight=in_flight, jobs_open=still_open)


def open_jobs(connection: Connection, run_id: int) -> tuple[int, int]:
    """How many of a run's jobs are in flight, and how many are not done at all."""
    row = connection.execute(
        select(func.count(Job.published_at), func.count()).where(
            Job.run_id == run_id, Job.state.in_(OPEN_JOBS)
        )
    ).one()
    return row[0], row[1]


def decoded(connection: Connection, run_id: int) -> int:
    """How many images the run's jobs have decoded."""
    return connection.execute(
        select(func.coalesce(func.sum(Job.decoded), 0)).where(
            Job.run_id == run_id, Job.state == JobState.DONE
        )
    ).scalar_one()


def supersede(connection: Connection, which: ColumnElement[bool]) -> None:
    """Close the unfinished ones of some runs for good, and cancel their jobs."""
    unfinished = select(Run.id).where(which, Run.state.in_(UNFINISHED))
    connection.execute(
        update(Job)
        .where(Job.run_id.in_(unfinished), Job.state.in_(OPEN_JOBS))
        .values(state=JobState.CANCELLED)
    )
    connection.execute(
        update(Run)
        .where(which, Run.state.in_(UNFINISHED))
        .values(state=RunState.SUPERSEDED, finished_at=now())
    )


def _runs() -> Select[*tuple[Any, ...]]:
    query = select(
        Run.id,
        Run.archive_id,
        Archive.root,
        Run.chain_id,
        Run.detect_only,
        Run.state,
        Run.reason,
        Run.walked,
        Run.skipped,
        Run.started_at,
        Run.finished_at,
    )
    return query.join(Archive, Archive.id == Run.archive_id).where(Run.kind == LABEL)


def _record(row: Row[*tuple[Any, ...]]) -> RunRecord:
    values = dict(row._mapping)
    values["state"] = RunState(values["state"])
    return RunRecord(**values)
