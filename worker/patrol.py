"""A thread that looks after the ledger for as long as a worker lives."""

from __future__ import annotations

import logging
import threading
from abc import abstractmethod
from typing import TYPE_CHECKING

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from db.errors import KaolabelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from db.engine import Database

logger = logging.getLogger(__name__)


class Patrol(threading.Thread):
    """Looks every few seconds until stopped; a server that is away is tried again.

    Args:
        name: of the thread.
        database: gives the ledger; called in the thread.
        every: seconds between two looks.
        missed: what did not happen when a look failed, for the log.
    """

    def __init__(
        self, name: str, database: Callable[[], Database], *, every: float, missed: str
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._open = database
        self._every = every
        self._missed = missed
        self._stop_wanted = False
        self._woken = threading.Event()

    @abstractmethod
    def look(self, database: Database) -> None:
        """Look once, and do what is needed."""

    def stop(self) -> None:
        """End the thread soon."""
        self._stop_wanted = True
        self.hurry()

    def hurry(self) -> None:
        """Look again soon, without waiting for the time."""
        self._woken.set()

    def run(self) -> None:
        """Look until stopped."""
        database = self._open()
        while True:
            self._woken.wait(self._every)
            self._woken.clear()
            if self._stop_wanted:
                return
            try:
                self.look(database)
            except (DBAPIError, KaolabelError, OperationalError, RedisError, OSError) as error:
                logger.warning("%s: %s", self._missed, type(error).__name__)
            except Exception:
                # Nobody starts this thread again: one mistake must not be the end of all looks.
                logger.exception("%s", self._missed)
