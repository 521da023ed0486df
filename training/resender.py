"""Wakes trainings whose message was lost, or came while another one ran."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db.store import trainings
from training.lock import bury
from training.message import send_for
from worker.patrol import Patrol

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

    from db.engine import Database
    from training.revoking import Revocations

_EVERY = 10.0
# A message that waits for longer is lost, or was dropped while another training ran. One that is
# sent twice starts nothing: the ledger lets each training begin once.
_WAITING = 20.0


class Resender(Patrol):
    """Every few seconds, while nothing is being trained, sends for what still waits.

    Args:
        database: gives the ledger; called in the thread.
        app: the application that publishes.
        revocations: closed before anything is sent for.
    """

    def __init__(
        self, database: Callable[[], Database], app: Celery, revocations: Revocations
    ) -> None:
        missed = "not looked for waiting trainings"
        super().__init__("resender", database, every=_EVERY, missed=missed)
        self._app = app
        self._revocations = revocations

    def look(self, database: Database) -> None:
        """Send for what waits, once."""
        self._revocations.pay(database)
        resend(database, self._app)


def resend(database: Database, app: Celery, *, waiting: float = _WAITING) -> int | None:
    """Send for the training that has waited longest, if any does; its number."""
    bury(database)
    with database.read() as connection:
        busy = trainings.running(connection) is not None
        waited = [] if busy else trainings.unheard(connection, seconds=waiting)
    if not waited:
        return None
    with database.read() as connection:
        record = trainings.get(connection, waited[0])
    send_for(app, record)
    return record.id
