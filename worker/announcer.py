"""Tells the ledger which workers and trainers there are, for people who watch."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from celery import signals
from sqlalchemy.exc import DBAPIError

from db.errors import KaolabelError
from db.logs.fields import fields
from db.process import this_process
from db.store import workers
from db.version import __version__
from worker.patrol import Patrol

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from db.engine import Database

logger = logging.getLogger(__name__)

# Seconds for which a worker that ends tries to take its row with it.
_LAST_WORDS = 2.0


class Announcer(Patrol):
    """Keeps the row of this worker; runs in the parent, whose number is the worker's name.

    Args:
        database: gives the ledger; called in the thread.
        kind: `workers.WORKER` or `workers.TRAINER`.
        decoders: decoder processes of a worker.
    """

    def __init__(
        self, database: Callable[[], Database], *, kind: str, decoders: int | None = None
    ) -> None:
        super().__init__("announcer", database, every=workers.EVERY, missed="not announced")
        self._name = this_process()
        self._announce = partial(
            workers.announce, name=self._name, kind=kind, version=__version__, decoders=decoders
        )
        self._kind = kind
        known = {} if decoders is None else {"decoders": decoders}
        self._fields = fields(kaolabel=__version__, **known)
        self._draining = False
        self._known = False

    def follow(self) -> None:
        """Begin when Celery is ready, and end with it."""
        # Weak references would be gone with this call.
        signals.worker_ready.connect(self._begin, weak=False)
        signals.worker_shutting_down.connect(self._drain, weak=False)
        signals.worker_shutdown.connect(self._leave, weak=False)

    def look(self, database: Database) -> None:
        """Give one sign of life; the first one, and one after a day's silence, tells everything."""
        with database.write() as connection:
            if not self._known or not workers.renew(connection, self._name):
                self._announce(connection)
            if self._draining:
                workers.describe(connection, self._name, draining=True)
        self._known = True

    def _begin(self, **_signal: Any) -> None:
        logger.info("%s is ready", self._kind, extra=self._fields)
        self.hurry()
        self.start()

    def _drain(self, **_signal: Any) -> None:
        # Called by a handler of signals: the thread does what takes time.
        self._draining = True
        self.hurry()

    def _leave(self, **_signal: Any) -> None:
        self.stop()
        logger.info("%s ends", self._kind)
        work = partial(workers.leave, name=self._name)
        tell(self._open().with_patience(_LAST_WORDS), work)


def tell(database: Database, work: Callable[[Connection], None]) -> None:
    """Write what only watchers need; an outage is not worth a job's time or a trace."""
    try:
        database.commit(work)
    except (DBAPIError, KaolabelError) as error:
        logger.warning("watchers are not told: %s", type(error).__name__)
