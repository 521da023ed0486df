"""What `celery -A training.entry` loads: reads the environment, makes the application.

Together with `worker/entry.py` and `monitor/flower/entry.py` the only module with side effects at
import.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from billiard.exceptions import WorkerLostError
from celery import signals

from db.engine import Database, lazy_database
from db.settings import DatabaseSettings
from db.store import trainings, workers
from training.app import create_training_app
from training.lock import bury
from training.resender import Resender
from training.revoking import Revocations
from training.settings import TrainingSettings
from worker.announcer import Announcer
from worker.broker.settings import BrokerSettings
from worker.drain import Drain


@cache
def _open_database() -> Database:
    # One for all threads of a parent, as in a worker.
    return lazy_database(DatabaseSettings())


def _open_briefly() -> Database:
    # For Celery's own thread of the parent, which must stay responsive.
    return Database(DatabaseSettings().url, patience=2.0)


def _start_resender(**_signal: Any) -> None:
    Resender(_open_database, app, _revocations).start()


def _bury_lost_training(exception: Exception, **_signal: Any) -> None:
    """Free the lock of a child that died, without waiting for its lease to run out."""
    if isinstance(exception, WorkerLostError):
        # What is missed here, the resender gets.
        database = _open_briefly()
        bury(database)
        database.close()


_broker = BrokerSettings()
_url = _broker.require_url("a trainer needs a broker: set KAOLABEL_BROKER_URL")
app = create_training_app(_url, _broker, TrainingSettings())
_revocations = Revocations(_open_briefly)
signals.worker_ready.connect(_start_resender, weak=False)
Announcer(_open_database, kind=workers.TRAINER).follow()
Drain(_open_database, trainings.surrender).follow()
signals.task_failure.connect(_bury_lost_training, weak=False)
signals.task_received.connect(_revocations.recall, weak=False)
signals.task_revoked.connect(_revocations.note, weak=False)
