"""Trainings that a trainer elsewhere carries out: sent for, and followed through the ledger."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from db.errors import KaolabelError
from db.records import TrainingState
from db.store import trainings
from training.message import send_for
from training.request import note

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

    from db.engine import Database
    from db.records import TrainingRecord
    from training.request import TrainingRequest
    from worker.progress import Progress

_PAUSE = 0.5
# After that many seconds people want to know why nothing happens.
_PATIENCE = 15.0


def send(database: Database, app: Celery, request: TrainingRequest) -> TrainingRecord:
    """Note a training in the ledger, then send for it."""
    record = note(database, request, trigger="command")
    send_for(app, record)
    return record


def follow(
    database: Database,
    record: TrainingRecord,
    *,
    progress: Progress,
    unheard: Callable[[], None],
) -> TrainingRecord:
    """Wait until a training is over.

    Args:
        database: the ledger.
        record: the training.
        progress: called again and again with (stage, done, total, detail).
        unheard: called once, if no trainer takes the training for a while.

    Returns:
        The training as it ended.

    Raises:
        KaolabelError: it failed or was revoked; says why.
    """
    waited_since: float | None = time.monotonic()
    while record.state in {TrainingState.QUEUED, TrainingState.RUNNING}:
        if record.state is TrainingState.RUNNING:
            waited_since = None
            progress(record.stage, record.done, record.total, record.detail)
        elif waited_since is not None and time.monotonic() - waited_since > _PATIENCE:
            waited_since = None
            unheard()
        time.sleep(_PAUSE)
        record = _look(database, record.id)
    if record.state is TrainingState.FAILED:
        raise KaolabelError(f"training {record.id} failed: {record.error}")
    if record.state is TrainingState.REVOKED:
        raise KaolabelError(f"training {record.id} was {record.error}")
    return record


def _look(database: Database, training_id: int) -> TrainingRecord:
    return database.fetch(lambda connection: trainings.get(connection, training_id))
