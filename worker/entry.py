"""What `celery -A worker.entry` loads: reads the environment, makes the application.

Together with `training/entry.py` and `monitor/flower/entry.py` the only module with side effects at
import.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from celery import signals

from db.engine import lazy_database
from db.settings import DatabaseSettings
from db.store import lost, workers
from worker.announcer import Announcer
from worker.broker.app import create_app
from worker.broker.settings import BrokerSettings
from worker.context import Context
from worker.drain import Drain
from worker.orphan import exit_with_parent
from worker.reconciler import Reconciler
from worker.settings import WorkerSettings

if TYPE_CHECKING:
    from db.engine import Database


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


@cache
def _open_database() -> Database:
    # One for all threads of a parent: connections are what PostgreSQL has least of.
    return lazy_database(DatabaseSettings())


def _start_reconciler(**_signal: Any) -> None:
    Reconciler(_open_database, app).start()


_broker = BrokerSettings()
_url = _broker.require_url("a worker needs a broker: set KAOLABEL_BROKER_URL")
app = create_app(_url, _broker, results=True)
signals.worker_ready.connect(_start_reconciler, weak=False)
Announcer(_open_database, kind=workers.WORKER, decoders=WorkerSettings().decoders).follow()
Drain(_open_database, lost.surrender).follow()
