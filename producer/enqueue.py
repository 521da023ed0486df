"""Cuts jobs and publishes them, with a bounded number in flight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from db.store import jobs
from worker.broker.settings import mask
from worker.reconciler import publish

if TYPE_CHECKING:
    from celery import Celery

    from db.engine import Database
    from db.records import RunRecord

# Seconds of work that a job should hold for the worker that takes it, and its bounds in images.
JOB_SECONDS = 5.0
MIN_JOB, MAX_JOB = 32, 2048

# Jobs that are published and not done. Before the first is done nobody knows how large a job
# should be, so only a few small ones go out.
HIGH_WATER = 20
FIRST_WATER = 8


class Enqueuer:
    """Keeps the queue of one run filled, but never fuller than the high-water mark.

    Args:
        database: the ledger, in which a job stands before its message is sent.
        app: the application that publishes.
        run: whose images are enqueued.

    Attributes:
        complaint: why nothing could be published last time, or None.
    """

    def __init__(self, database: Database, app: Celery, run: RunRecord) -> None:
        self._database = database
        self._app = app
        self._run = run
        self.complaint: str | None = None

    def top_up(self) -> None:
        """Publish jobs up to the high-water mark, once the queue is half empty.

        Where the broker is away, the jobs stay in the ledger for the next time.
        """
        with self._database.read() as connection:
            in_flight = jobs.in_flight(connection, self._run.id)
            rate = jobs.rate(connection, self._run.id)
            ready = jobs.unpublished(connection, self._run.id)
        water = FIRST_WATER if rate is None else HIGH_WATER
        if in_flight > water // 2:
            return
        room = water - in_flight
        ready = ready[:room]
        while len(ready) < room:
            job_id = self._cut(job_size(rate))
            if job_id is None:
                break
            ready.append(job_id)
        try:
            publish(self._database, self._app, ready)
        except (OperationalError, RedisError, OSError):
            broker = mask(self._app.conf.broker_url)
            self.complaint = f"the broker {broker} does not answer; still trying"
        else:
            self.complaint = None

    def _cut(self, size: int) -> int | None:
        return self._database.commit(
            lambda connection: jobs.cut(connection, self._run.id, size=size)
        )


def job_size(rate: float | None) -> int:
    """Images that make a good job for a worker that does `rate` images a second."""
    if rate is None:
        return MIN_JOB
    return max(MIN_JOB, min(MAX_JOB, round(rate * JOB_SECONDS)))
