"""Producers: which process drives a run, and whether it is alive."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from db import process
from db.clock import is_over, now
from db.records import RunState
from db.store import runs
from db.tables import Archive, Run

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

# A run whose producer has not been heard of for this many seconds may be taken over.
HEARTBEAT_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Producer:
    """A producer at work.

    Attributes:
        run_id: on what.
        holder: its process, as HOST:PID.
        left: seconds after which it counts as dead if it is not heard of again.
    """

    run_id: int
    holder: str
    left: float

    @property
    def patience(self) -> int:
        """Whole seconds to wait until it counts as dead if it is."""
        return max(1, math.ceil(self.left))


def live_on(connection: Connection, root: bytes) -> Producer | None:
    """The producer that works on the archive at `root` right now, if any."""
    here = select(Archive.id).where(Archive.root == root)
    return live(connection, Run.archive_id.in_(here))


def live(connection: Connection, which: ColumnElement[bool]) -> Producer | None:
    """The producer that works on one of some runs right now, if any.

    One that has not been heard of for a while is not at work, nor one that died on this host.
    """
    left = Run.heartbeat_at + HEARTBEAT_TIMEOUT - now()
    rows = connection.execute(
        select(Run.id, Run.holder, left.label("left"))
        .where(which, Run.state == RunState.ACTIVE)
        .where(~is_over(Run.heartbeat_at + HEARTBEAT_TIMEOUT, ahead=HEARTBEAT_TIMEOUT))
        .order_by(Run.id)
    )
    producers = [Producer(row.id, row.holder or "", row.left) for row in rows]
    return next((one for one in producers if not process.is_dead(one.holder)), None)


def beat(connection: Connection, run_id: int) -> bool:
    """Say that the run's producer is alive; False when another process drives the run by now."""
    beaten = connection.execute(
        update(Run)
        .where(Run.id == run_id, Run.holder == process.this_process())
        .values(heartbeat_at=now())
    )
    return beaten.rowcount == 1


def abandon(connection: Connection, run_id: int, *, reason: str) -> None:
    """Stop an active run that this process drives, unless another one has taken it over."""
    mine = select(Run.holder).where(Run.id == run_id, Run.holder == process.this_process())
    if connection.execute(mine).first() is not None:
        runs.stop(connection, run_id, reason=reason)
