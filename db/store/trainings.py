"""Trainings: requested, run one at a time under a lease, and what came of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from db.clock import is_over, now
from db.errors import KaolabelError
from db.records import TrainingRecord, TrainingState
from db.tables import Training

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection, Row

_OPEN = (TrainingState.QUEUED, TrainingState.RUNNING)

# Seconds for which a running training counts as alive unless it is renewed.
LEASE = 20.0

# What became of a training that stopped renewing its lease.
DIED = "its process died; train again, and it goes on from what it had cached"

# What is said of a training that somebody did not want any more.
REVOKED = "revoked; train again, and it goes on from what it had cached"


class TrainingLostError(KaolabelError):
    """Raised when a training was given up by others; nothing of it is published."""


def request(connection: Connection, *, request: str, trigger: str) -> TrainingRecord:
    """Note what somebody wants to be trained, as JSON text."""
    training_id = connection.execute(
        insert(Training)
        .values(
            state=TrainingState.QUEUED,
            request=request,
            trigger=trigger,
            created_at=now(),
            stage="waiting",
            done=0,
            total=0,
            detail="",
        )
        .returning(Training.id)
    ).scalar_one()
    return get(connection, training_id)


def get(connection: Connection, training_id: int) -> TrainingRecord:
    """The training of that number.

    Raises:
        LookupError: when there is none.
    """
    row = connection.execute(select(Training).where(Training.id == training_id)).one_or_none()
    if row is None:
        raise LookupError(f"there is no training {training_id}")
    return _record(row)


def find(connection: Connection, training_ids: Sequence[int]) -> TrainingRecord | None:
    """The first of the trainings of those numbers, if there is any."""
    query = select(Training).where(Training.id.in_(training_ids)).order_by(Training.id).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else _record(row)


def bury(connection: Connection) -> int:
    """Mark running trainings as failed whose lease has run out; how many."""
    found = connection.execute(
        update(Training)
        .where(Training.state == TrainingState.RUNNING)
        .where(is_over(Training.lease_until, ahead=LEASE))
        .values(state=TrainingState.FAILED, finished_at=now(), error=DIED)
    )
    return int(found.rowcount)


def running(connection: Connection) -> TrainingRecord | None:
    """The training that holds the lock, alive or not yet known to be dead."""
    row = connection.execute(
        select(Training).where(Training.state == TrainingState.RUNNING)
    ).one_or_none()
    return None if row is None else _record(row)


def start(connection: Connection, training_id: int, *, holder: str) -> bool:
    """Take the lock for a queued training; False when it is no longer queued.

    Raises:
        IntegrityError: when another training holds the lock; the transaction is lost.
    """
    started = connection.execute(
        update(Training)
        .where(Training.id == training_id, Training.state == TrainingState.QUEUED)
        .values(
            state=TrainingState.RUNNING,
            started_at=now(),
            holder=holder,
            lease_until=now() + LEASE,
        )
    )
    return started.rowcount == 1


def renew(
    connection: Connection, training_id: int, *, stage: str, done: int, total: int, detail: str
) -> bool:
    """Extend the lease and note the progress; False when the training was given up."""
    renewed = connection.execute(
        update(Training)
        .where(Training.id == training_id, Training.state == TrainingState.RUNNING)
        .values(lease_until=now() + LEASE, stage=stage[:32], done=done, total=total, detail=detail)
    )
    return renewed.rowcount == 1


def publish(connection: Connection, training_id: int, *, version_id: int) -> None:
    """Note the version that a running training has published, in the transaction that does so.

    Raises:
        TrainingLostError: when the training was given up meanwhile.
    """
    noted = connection.execute(
        update(Training)
        .where(Training.id == training_id, Training.state == TrainingState.RUNNING)
        .values(version_id=version_id)
    )
    if noted.rowcount != 1:
        raise TrainingLostError(f"training {training_id} was given up meanwhile; train again")


def finish(connection: Connection, training_id: int, *, verdict: str) -> None:
    """Close a training with what the gate decided."""
    connection.execute(
        update(Training)
        .where(Training.id == training_id, Training.state == TrainingState.RUNNING)
        .values(
            state=TrainingState.DONE, finished_at=now(), stage="done", detail="", verdict=verdict
        )
    )


def surrender(connection: Connection, holder: str) -> int:
    """Give back the training of a process that has to end before it; another one begins it anew.

    How many there were: one, or none.

    Args:
        connection: in a transaction that may write.
        holder: the process, as HOST:PID.
    """
    given = connection.execute(
        update(Training)
        .where(Training.holder == holder, Training.state == TrainingState.RUNNING)
        .values(
            state=TrainingState.QUEUED,
            started_at=None,
            holder=None,
            lease_until=None,
            stage="waiting",
            done=0,
            total=0,
            detail="its trainer had to end; the next one goes on from what is cached",
        )
    )
    return int(given.rowcount)


def fail(connection: Connection, training_id: int, *, error: str) -> None:
    """Close a training that could not be finished; one that is closed stays as it is."""
    connection.execute(
        update(Training)
        .where(Training.id == training_id, Training.state.in_(_OPEN))
        .values(state=TrainingState.FAILED, finished_at=now(), error=error)
    )


def revoke(connection: Connection, training_id: int) -> bool:
    """Close an open training that is not wanted any more; False when it was closed before."""
    return _revoke(connection, Training.id == training_id)


def revoke_held(connection: Connection, holder: str) -> bool:
    """Close the training that a process is carrying out; False when it carries out none."""
    running = Training.state == TrainingState.RUNNING
    return _revoke(connection, running & (Training.holder == holder))


def _revoke(connection: Connection, which: ColumnElement[bool]) -> bool:
    revoked = connection.execute(
        update(Training)
        .where(which, Training.state.in_(_OPEN))
        .values(state=TrainingState.REVOKED, finished_at=now(), error=REVOKED)
    )
    return revoked.rowcount > 0


def unheard(connection: Connection, *, seconds: float) -> list[int]:
    """Queued trainings that were requested that long ago, oldest first: messages get lost."""
    return list(
        connection.scalars(
            select(Training.id)
            .where(Training.state == TrainingState.QUEUED, Training.created_at < now() - seconds)
            .order_by(Training.id)
        )
    )


def recent(connection: Connection, *, limit: int = 1) -> list[TrainingRecord]:
    """Every open training, and the newest closed ones; oldest first."""
    is_open = Training.state.in_(_OPEN)
    newest = select(Training.id).where(~is_open).order_by(Training.id.desc()).limit(limit)
    rows = connection.execute(
        select(Training)
        .where(is_open | Training.id.in_(newest.scalar_subquery()))
        .order_by(Training.id)
    )
    return [_record(row) for row in rows]


def is_pending(connection: Connection, *, trigger: str) -> bool:
    """Whether a training of that trigger waits or runs."""
    found = connection.scalar(
        select(func.count())
        .select_from(Training)
        .where(Training.trigger == trigger, Training.state.in_(_OPEN))
    )
    return bool(found)


def learned_until(connection: Connection) -> float:
    """When annotations were last learned from; 0 before the first time.

    A training that failed counts too, as it would fail again, and one that was revoked, as somebody
    did not want it; one whose process died does not.
    """
    learned = Training.state.in_((TrainingState.DONE, TrainingState.REVOKED)) | (
        (Training.state == TrainingState.FAILED) & (Training.error != DIED)
    )
    # One that was revoked may never have started.
    when = func.coalesce(Training.started_at, Training.created_at)
    newest = select(func.max(when)).where(
        learned, Training.request.contains('"from_annotations":true')
    )
    return float(connection.scalar(newest) or 0.0)


def _record(row: Row[*tuple[Any, ...]]) -> TrainingRecord:
    values = dict(row._mapping)
    values["state"] = TrainingState(values["state"])
    return TrainingRecord(**values)
