"""What `celery -A training.entry` loads: reads the environment, makes the application.

Together with `worker/entry.py` the only module with side effects at import.
"""

from __future__ import annotations

from typing import Any

from billiard.exceptions import WorkerLostError
from celery import signals

from db.engine import Database, lazy_database
from db.settings import DatabaseSettings
from training.app import create_training_app
from training.lock import bury
from training.resender import Resender
from training.settings import TrainingSettings
from worker.broker.settings import BrokerSettings


def _open_database() -> Database:
    return lazy_database(DatabaseSettings())


def _start_resender(**_signal: Any) -> None:
    Resender(_open_database, app).start()


def _bury_lost_training(exception: Exception, **_signal: Any) -> None:
    """Free the lock of a child that died, without waiting for its lease to run out."""
    if isinstance(exception, WorkerLostError):
        # This is the parent, which must stay responsive: the resender gets what is missed here.
        database = Database(DatabaseSettings().url, patience=2.0)
        bury(database)
        database.close()


_broker = BrokerSettings()
_url = _broker.require_url("a trainer needs a broker: set KAOLABEL_BROKER_URL")
app = create_training_app(_url, _broker, TrainingSettings())
signals.worker_ready.connect(_start_resender, weak=False)
signals.task_failure.connect(_bury_lost_training, weak=False)
