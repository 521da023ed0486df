"""Workers and trainers, as they announce themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from db.clock import now
from db.process import is_dead
from db.tables import Worker

if TYPE_CHECKING:
    from sqlalchemy import Connection

WORKER, TRAINER = "worker", "trainer"

# Seconds between two signs of life, and after which a worker counts as missing.
EVERY, MISSING_AFTER = 10.0, 30.0

# Seconds after which nobody asks any more what became of a worker.
_FORGOTTEN_AFTER = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """A worker or a trainer that has been heard of.

    Attributes:
        name: its parent process, as HOST:PID.
        kind: `WORKER` or `TRAINER`.
        version: kaolabel's.
        device: what Keras computes on; None until that is known.
        decoders: decoder processes; None for trainers.
        model_version_id: the model that it uses; None while it has none.
        draining: whether it finishes what it has in hand, and takes nothing more.
        started_at: in seconds of the database's clock.
        silent: seconds since it was last heard of.
    """

    name: str
    kind: str
    version: str
    device: str | None
    decoders: int | None
    model_version_id: int | None
    draining: bool
    started_at: float
    silent: float

    @property
    def is_missing(self) -> bool:
        """Whether it has been silent for too long to be at work."""
        return self.silent > MISSING_AFTER


def announce(
    connection: Connection, name: str, *, kind: str, version: str, decoders: int | None
) -> None:
    """Note a worker that begins, and forget those that are long gone."""
    forgotten = Worker.seen_at < now() - _FORGOTTEN_AFTER
    connection.execute(delete(Worker).where(forgotten | (Worker.name == name)))
    bury(connection)
    connection.execute(
        insert(Worker).values(
            name=name,
            kind=kind,
            version=version,
            decoders=decoders,
            started_at=now(),
            seen_at=now(),
        )
    )


def renew(connection: Connection, name: str) -> bool:
    """Note that a worker lives; False where its row is gone, so that it must announce itself."""
    renewed = connection.execute(update(Worker).where(Worker.name == name).values(seen_at=now()))
    return renewed.rowcount == 1


def describe(connection: Connection, name: str, **known: Any) -> None:
    """Note what a worker's own process has found out.

    Args:
        connection: in a transaction that may write.
        name: of the worker.
        known: `device`, `model_version_id` or `draining`.
    """
    connection.execute(update(Worker).where(Worker.name == name).values(**known))


def leave(connection: Connection, name: str) -> None:
    """Forget a worker that has ended."""
    connection.execute(delete(Worker).where(Worker.name == name))


def bury(connection: Connection) -> None:
    """Forget the workers of this host that are dead."""
    for name in connection.scalars(select(Worker.name)).all():
        if is_dead(name):
            leave(connection, name)


def every(connection: Connection) -> list[WorkerRecord]:
    """All workers and trainers that have been heard of within a day, by kind and name."""
    silent = now() - Worker.seen_at
    rows = connection.execute(
        select(
            Worker.name,
            Worker.kind,
            Worker.version,
            Worker.device,
            Worker.decoders,
            Worker.model_version_id,
            Worker.draining,
            Worker.started_at,
            silent,
        )
        .where(silent < _FORGOTTEN_AFTER)
        .order_by(Worker.kind, Worker.name)
    )
    return [WorkerRecord(*row) for row in rows]
