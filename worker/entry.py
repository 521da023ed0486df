"""What `celery -A worker.entry` loads: reads the environment, makes the application.

Together with `training/entry.py` the only module with side effects at import.
"""

from __future__ import annotations

import logging
from typing import Any

from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery import signals

from db.engine import Database, lazy_database
from db.settings import DatabaseSettings
from db.store import jobs
from worker.broker.app import create_app
from worker.broker.settings import BrokerSettings
from worker.context import Context
from worker.orphan import exit_with_parent
from worker.reconciler import Reconciler
from worker.settings import WorkerSettings

logger = logging.getLogger(__name__)


def open_context() -> Context:
    """The context of a worker process, as the environment describes it."""
    exit_with_parent()
    settings = DatabaseSettings()
    return Context(
        _open_database(),
        home=settings.home,
        settings=WorkerSettings(),
        job_limit=BrokerSettings().task_time_limit,
    )


def _open_database() -> Database:
    return lazy_database(DatabaseSettings())


def _start_reconciler(**_signal: Any) -> None:
    Reconciler(_open_database, app).start()


def _free_lost_job(kwargs: dict[str, Any], exception: Exception, **_signal: Any) -> None:
    """Free the job of a child that died, without waiting for its lease to run out."""
    if isinstance(exception, (WorkerLostError, TimeLimitExceeded)) and "job_id" in kwargs:
        # This is the parent, which must stay responsive: the reconciler gets what is missed here.
        database = Database(DatabaseSettings().url, patience=2.0)
        database.commit(lambda connection: jobs.expire(connection, kwargs["job_id"]))
        database.close()


_broker = BrokerSettings()
_url = _broker.require_url("a worker needs a broker: set KAOLABEL_BROKER_URL")
app = create_app(_url, _broker)
signals.worker_ready.connect(_start_reconciler, weak=False)
signals.task_failure.connect(_free_lost_job, weak=False)
