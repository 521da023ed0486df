"""Sends again what the broker or a worker has lost; runs in the parent of every worker."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy import text

from db.store import jobs
from worker.broker.app import waiting_messages
from worker.broker.messages import LABEL_JOB, RELABEL_JOB, label_job
from worker.patrol import Patrol

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery
    from sqlalchemy import Connection

    from db.engine import Database

logger = logging.getLogger(__name__)

_EVERY = 5.0

# A message that waits this long may be lost, unless the queue is that long; one that waits while
# the queue is empty is lost, or in the hands of a worker that is about to begin.
_WAITING = 120.0
_WAITING_ON_EMPTY = 10.0

# Any number will do as long as nothing else in the database takes the same advisory lock.
_LOCK_KEY = 7_401_202


class Reconciler(Patrol):
    """Every few seconds, requeues lost claims and publishes what has waited too long.

    Args:
        database: gives the ledger; called in the thread.
        app: the application that publishes.
    """

    def __init__(self, database: Callable[[], Database], app: Celery) -> None:
        super().__init__("reconciler", database, every=_EVERY, missed="not reconciled")
        self._app = app

    def look(self, database: Database) -> None:
        """Reconcile once."""
        again = reconcile(database, self._app)
        if again:
            logger.info("published again: jobs %s", again)


def reconcile(database: Database, app: Celery) -> list[int]:
    """Requeue lost claims and publish what has waited too long; the jobs published."""
    waiting = _WAITING if waiting_messages(app) else _WAITING_ON_EMPTY
    with database.write() as connection:
        if not _leads(connection):
            return []
        again = sorted({*jobs.recover(connection), *jobs.stale(connection, waiting=waiting)})
    publish(database, app, again)
    return again


def publish(database: Database, app: Celery, job_ids: list[int]) -> None:
    """Send a message for each job, then note that it was sent.

    A message that is sent but not noted is sent again, which a claim makes harmless; one that is
    noted but not sent would be missed.
    """
    if not job_ids:
        return
    with database.read() as connection:
        of_faces = jobs.of_faces(connection, job_ids)
    with app.producer_pool.acquire(block=True) as producer:
        for job_id in job_ids:
            # One queue, as both need the same workers; the name tells people what goes on.
            name = RELABEL_JOB if job_id in of_faces else LABEL_JOB
            app.send_task(name, kwargs=label_job(job_id), producer=producer)
    database.commit(lambda connection: jobs.mark_published(connection, job_ids))


def _leads(connection: Connection) -> bool:
    # On SQLite, BEGIN IMMEDIATE lets one in at a time.
    if connection.dialect.name != "postgresql":
        return True
    lock = text("SELECT pg_try_advisory_xact_lock(:key)")
    return bool(connection.execute(lock, {"key": _LOCK_KEY}).scalar_one())
