"""Trainings that are not wanted any more: never begun, or ended at once."""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from celery import states
from celery.worker import state
from celery.worker.request import Request
from sqlalchemy.exc import DBAPIError

from db.errors import KaolabelError, UsageError
from db.process import this_process
from db.store import trainings
from worker.broker.messages import require_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from db.engine import Database

logger = logging.getLogger(__name__)

# The custom state of a task that was terminated. Watchers that were told of progress take Celery's
# REVOKED for something that came before it.
_EVENT = "task-terminated"


class RevocableRequest(Request):  # type: ignore[misc]  # celery ships no types
    """A message for a trainer, in the trainer's parent process."""

    def terminate(self, pool: Any, signal: Any = None) -> None:
        """End the process that carries it out, at once.

        The signal that was asked for is most likely SIGTERM, which the process ignores, as a
        supervisor sends that to all of a trainer.
        """
        del signal
        self.request_dict["process"] = self.worker_pid
        super().terminate(pool, "SIGKILL")
        if self.time_start:
            self.send_event(_EVENT, result=trainings.REVOKED)


class Revocations:
    """What the parent of a trainer does about revoked tasks; its methods are Celery's receivers.

    Args:
        database: opens the ledger, with little patience: the parent must stay responsive.
    """

    def __init__(self, database: Callable[[], Database]) -> None:
        self._open = database
        self._owed: list[Callable[[Connection], bool]] = []

    def recall(self, request: Request, **_signal: Any) -> None:
        """Drop a task that was revoked before this trainer lived to hear of it."""
        if request.task.backend.known_state(request.id) == states.REVOKED:
            state.revoked.add(request.id)

    def note(self, request: Any, *, expired: bool, **_signal: Any) -> None:
        """Close the training of a revoked task, so that nobody sends for it again."""
        work = None if expired else _closing(request)
        if work is None:
            return
        database = self._open()
        try:
            database.commit(work)
        except (DBAPIError, KaolabelError) as error:
            logger.warning("a revoked training is closed later: %s", error)
            self._owed.append(work)
        finally:
            database.close()

    def pay(self, database: Database) -> None:
        """Close what could not be closed while the database was away."""
        while self._owed:
            database.commit(self._owed[0])
            self._owed.pop(0)


def _closing(request: Any) -> Callable[[Connection], bool] | None:
    """What closes the training of a task in the ledger; None where there is none yet."""
    with suppress(UsageError):
        training = require_id((request.kwargs or {}).get("training"))
        return partial(trainings.revoke, training_id=training)
    process = getattr(request, "process", None)
    if process is None:
        return None
    host = this_process().rpartition(":")[0]
    return partial(trainings.revoke_held, holder=f"{host}:{process}")
