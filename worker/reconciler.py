"""Sends again what the broker or a worker has lost; runs in the parent of every worker."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from sqlalchemy import text

from db.logs.fields import fields
from db.process import is_dead
from db.store import jobs, lost, queue
from worker.broker.app import waiting_messages
from worker.broker.messages import LABEL_JOB, RELABEL_JOB, headers, label_job
from worker.patrol import Patrol

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery
    from sqlalchemy import Connection

    from db.engine import Database

logger = logging.getLogger(__name__)

_EVERY = 5.0

# So many seconds after the last look, something must have kept this thread or the database.
_GAP = 12.0

# A message that waits this long may be lost, unless the queue is that long; one that waits while
# the queue is empty is lost, or in the hands of a worker that is about to begin.
_WAITING = 120.0
_WAITING_ON_EMPTY = 10.0

# Any number will do as long as nothing else in the database takes the same advisory lock.
_LOCK_KEY = 7_401_202


class Reconciler(Patrol):
    """Every few seconds, requeues lost claims and publishes what has waited too long.

    It is also the one to learn of the death of a process of this host: the pool has started another
    one by then, and its parent must never wait for a database.

    Args:
        database: gives the ledger; called in the thread.
        app: the application that publishes.
    """

    def __init__(self, database: Callable[[], Database], app: Celery) -> None:
        super().__init__("reconciler", database, every=_EVERY, missed="not reconciled")
        self._app = app
        self._calm = Calm()

    def look(self, database: Database) -> None:
        """Reconcile once."""
        free_dead(database)
        again = reconcile(database, self._app, calm=self._calm)
        if again:
            logger.info("%d jobs are published again", len(again), extra=fields(jobs=again))


class Calm:
    """Tells whether silence of a worker means its death, or only that nobody was heard.

    After an outage of the database, or a pause of this process, workers are given the time of a
    lease to renew theirs, as an outage must not count as a lost claim.
    """

    def __init__(self) -> None:
        self._looked_at = time.monotonic()
        self._since = float("-inf")

    def look(self) -> bool:
        """Note that the database answers; whether it has done so for long enough."""
        now = time.monotonic()
        if now - self._looked_at > _GAP:
            self._since = now
        self._looked_at = now
        return now - self._since > jobs.LEASE


def free_dead(database: Database) -> None:
    """End the leases of processes of this host that are dead, without waiting for their time."""
    with database.read() as connection:
        held = lost.leases(connection)
    dead = [lease for lease in held if is_dead(lease.worker)]
    if dead:
        held_by_dead = fields(jobs=[lease.job_id for lease in dead])
        logger.warning("processes died with %d jobs in hand", len(dead), extra=held_by_dead)
        with database.write() as connection:
            for lease in dead:
                lost.expire(connection, lease)


def reconcile(database: Database, app: Celery, *, calm: Calm | None = None) -> list[int]:
    """Requeue lost claims and publish what has waited too long; the jobs published.

    Args:
        database: the ledger.
        app: the application that publishes.
        calm: is asked whether claims may be counted as lost; without, they may.
    """
    with database.write() as connection:
        counts = calm is None or calm.look()
        if not _leads(connection):
            return []
        again = set(lost.recover(connection)) if counts else set()
    if again:
        queued = fields(jobs=sorted(again))
        logger.warning("claims were lost: %d jobs are queued again", len(again), extra=queued)
    waiting = _WAITING if waiting_messages(app) else _WAITING_ON_EMPTY
    with database.read() as connection:
        again.update(lost.stale(connection, waiting=waiting))
    publish(database, app, sorted(again))
    return sorted(again)


def publish(database: Database, app: Celery, job_ids: list[int]) -> None:
    """Send a message for each job, then note that it was sent.

    A message that is sent but not noted is sent again, which a claim makes harmless; one that is
    noted but not sent would be missed.
    """
    if not job_ids:
        return
    stories = database.fetch(lambda connection: queue.stories(connection, job_ids))
    with app.producer_pool.acquire(block=True) as producer:
        for story in stories:
            # One queue, as both need the same workers; the name tells people what goes on.
            app.send_task(
                RELABEL_JOB if story.unit == "faces" else LABEL_JOB,
                kwargs=label_job(story.job_id),
                kwargsrepr=repr(story.told()),
                headers=headers(story.needs),
                producer=producer,
            )
    database.commit(lambda connection: queue.mark_published(connection, job_ids))


def _leads(connection: Connection) -> bool:
    # On SQLite, BEGIN IMMEDIATE lets one in at a time.
    if connection.dialect.name != "postgresql":
        return True
    lock = text("SELECT pg_try_advisory_xact_lock(:key)")
    return bool(connection.execute(lock, {"key": _LOCK_KEY}).scalar_one())
