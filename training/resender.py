"""Wakes trainings whose message was lost, or came while another one ran."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from db.store import trainings
from training.lock import bury
from worker.broker.messages import TRAIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

    from db.engine import Database

logger = logging.getLogger(__name__)

_EVERY = 10.0
# A message that waits for longer is lost, or was dropped while another training ran. One that is
# sent twice starts nothing: the ledger lets each training begin once.
_WAITING = 20.0


class Resender(threading.Thread):
    """Every few seconds, while nothing is being trained, sends for what still waits.

    Args:
        database: gives the ledger; called in the thread.
        app: the application that publishes.
    """

    def __init__(self, database: Callable[[], Database], app: Celery) -> None:
        super().__init__(name="resender", daemon=True)
        self._open = database
        self._app = app
        self._stop_wanted = threading.Event()

    def stop(self) -> None:
        """End the thread soon."""
        self._stop_wanted.set()

    def run(self) -> None:
        """Look until stopped; a server that is away is tried again."""
        database = self._open()
        while not self._stop_wanted.wait(_EVERY):
            try:
                resend(database, self._app)
            except (DBAPIError, OperationalError, RedisError, OSError) as error:
                logger.warning("not looked for waiting trainings: %s", type(error).__name__)


def resend(database: Database, app: Celery, *, waiting: float = _WAITING) -> int | None:
    """Send for the training that has waited longest, if any does; its number."""
    bury(database)
    with database.read() as connection:
        busy = trainings.running(connection) is not None
        waited = [] if busy else trainings.unheard(connection, seconds=waiting)
    if not waited:
        return None
    app.send_task(TRAIN, kwargs={"training": waited[0]})
    return waited[0]
