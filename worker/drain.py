"""Ends a worker within a minute of SIGTERM: its job is finished, or given back in time."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from celery import signals
from celery.worker import state
from sqlalchemy.exc import DBAPIError

from db.errors import KaolabelError
from db.process import process_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery.concurrency.base import BasePool
    from sqlalchemy import Connection

    from db.engine import Database

logger = logging.getLogger(__name__)

# Seconds for which the work in hand may go on, then for the ledger to take it back, and then for
# Celery to end: less than a minute together, in which supervisors are asked to be patient.
_PATIENCE = 30.0
_GIVING_BACK = 10.0
_LAST_WORDS = 10.0


class Drain(threading.Thread):
    """Sees to it that the end of a worker does not wait for its work for ever.

    Celery takes no more messages when it is told to stop, and ends with the task in hand, however
    long that takes. A supervisor would lose patience and kill the worker, and the work would count
    as lost.

    Args:
        database: gives the ledger; called in the thread.
        give_back: gives back what the process of a name, as HOST:PID, is working on, and fences it
            off; how much it was.
    """

    def __init__(
        self, database: Callable[[], Database], give_back: Callable[[Connection, str], int]
    ) -> None:
        super().__init__(name="drain", daemon=True)
        self._open = database
        self._give_back = give_back
        self._begun = threading.Event()
        self._pool: BasePool | None = None
        self._code = os.EX_TEMPFAIL

    def follow(self) -> None:
        """Have SIGTERM and Ctrl-C drain this worker from when Celery is ready."""
        # Weak references would be gone with this call.
        signals.worker_ready.connect(self._ready, weak=False)
        signals.worker_shutting_down.connect(self._begin, weak=False)

    def run(self) -> None:
        """Give back what takes too long, and end the processes that are at it.

        The thread ends with its process, which in most cases is long before.
        """
        self._begun.wait()
        logger.info("no more work is taken; what is in hand may go on for %d s", _PATIENCE)
        time.sleep(_PATIENCE)
        ending = threading.Thread(target=self._end_work, name="ending", daemon=True)
        ending.start()
        # A server that is cut off may keep it for longer than anybody waits.
        ending.join(_GIVING_BACK)
        time.sleep(_LAST_WORDS)
        # Whatever the main thread waits for, such as a broker that is away, is lost by nobody.
        os._exit(self._code)

    def _end_work(self) -> None:
        """Give back what is in hand, and kill what is at it."""
        self._give_all_back(_processes(self._pool))
        for request in tuple(state.active_requests):
            # Not by `os.kill`, after which Celery would report a process that died of its task.
            # Messages that were not acknowledged go back into their queue.
            request.cancel(self._pool, "SIGKILL", emit_retry=False)

    def _give_all_back(self, numbers: list[int]) -> None:
        database = self._open().with_patience(_GIVING_BACK)

        def work(connection: Connection) -> int:
            return sum(self._give_back(connection, process_of(number)) for number in numbers)

        try:
            given = database.commit(work) if numbers else 0
        except (DBAPIError, KaolabelError) as error:
            # The lease runs out, as that of a worker that died.
            logger.warning("what is in hand is not given back: %s", type(error).__name__)
        else:
            self._code = os.EX_OK
            logger.warning("given back, as this worker has to end: %d in hand", given)

    def _ready(self, sender: Any, **_signal: Any) -> None:
        self._pool = sender.pool
        self.start()
        signal.signal(signal.SIGTERM, lambda *_: _stop(sender.hostname))

    def _begin(self, **_signal: Any) -> None:
        # Called by a handler of signals: the thread does what takes time.
        self._begun.set()


def _stop(hostname: str) -> None:
    # Celery's own handler would sleep for all of `worker_soft_shutdown_timeout` while there is
    # work, however soon that is done, and then leave a claim behind.
    state.should_stop = os.EX_OK
    signals.worker_shutting_down.send(sender=hostname, sig="SIGTERM", how="Warm", exitcode=os.EX_OK)


def _processes(pool: BasePool | None) -> list[int]:
    """The numbers of a pool's processes; none once the pool has ended."""
    with suppress(AttributeError):
        return [] if pool is None else list(pool.info["processes"])
    return []
