"""Cuts jobs and publishes them, with a bounded number in flight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from db.records import RelabelRecord
from db.store import cutting, queue
from worker.broker.url import mask
from worker.reconciler import publish

if TYPE_CHECKING:
    from celery import Celery
    from sqlalchemy import Connection

    from db.engine import Database
    from db.records import RunRecord

# Seconds of work that a job should hold for the worker that takes it, and its bounds in images; in
# faces, where a stored face is classified in microseconds.
JOB_SECONDS = 5.0
MIN_JOB, MAX_JOB = 32, 2048
MIN_FACES, MAX_FACES = 256, 32_768

# Jobs that are published and not done: four for each worker, so that one waits for it even when
# the queue is topped up the latest; 20 for a few, and never more than a Redis hardly notices.
# Before the first is done nobody knows how large a job should be: only a few small ones go out, or
# one for each worker that is busy with another run.
JOBS_A_WORKER = 4
FIRST_WATER, HIGH_WATER, MOST_WATER = 8, 20, 2048

# Jobs that are cut in one transaction, for which others that write may have to wait.
_CUTS = 8


class Enqueuer:
    """Keeps the queue of one run filled, but never fuller than the high-water mark.

    Args:
        database: the ledger, in which a job stands before its message is sent.
        app: the application that publishes.
        run: whose images, or faces, are enqueued.

    Attributes:
        complaint: why nothing could be published last time, or None.
        exhausted: whether nothing was left to cut last time.
    """

    def __init__(self, database: Database, app: Celery, run: RunRecord | RelabelRecord) -> None:
        self._database = database
        self._app = app
        self._run = run
        self.complaint: str | None = None
        self.exhausted = False

    def top_up(self) -> None:
        """Publish jobs up to the high-water mark, once the queue is half empty.

        Where the broker is away, the jobs stay in the ledger for the next time.
        """
        in_flight, workers, rate, ready = self._database.fetch(self._look)
        water = high_water(workers, started=rate is not None)
        if in_flight > water // 2:
            return
        room = water - in_flight
        ready = ready[:room]
        while len(ready) < room:
            wanted = min(room - len(ready), _CUTS)
            cut = self._cut(wanted, rate)
            ready += cut
            self.exhausted = len(cut) < wanted
            if self.exhausted:
                break
        try:
            publish(self._database, self._app, ready)
        except (OperationalError, RedisError, OSError):
            broker = mask(self._app.conf.broker_url)
            self.complaint = f"the broker {broker} does not answer; still trying"
        else:
            self.complaint = None

    def _look(self, connection: Connection) -> tuple[int, int, float | None, list[int]]:
        run_id = self._run.id
        return (
            queue.in_flight(connection, run_id),
            queue.workers(connection, run_id),
            queue.rate(connection, run_id),
            queue.unpublished(connection, run_id),
        )

    def _cut(self, number: int, rate: float | None) -> list[int]:
        """Cut so many jobs, as far as there are any."""

        def cut(connection: Connection) -> list[int]:
            jobs = (self._cut_one(connection, rate) for _ in range(number))
            return [job_id for job_id in jobs if job_id is not None]

        return self._database.commit(cut)

    def _cut_one(self, connection: Connection, rate: float | None) -> int | None:
        run = self._run
        if isinstance(run, RelabelRecord):
            size = job_size(rate, least=MIN_FACES, most=MAX_FACES)
            return cutting.cut_faces(connection, run, size=size)
        return cutting.cut_images(connection, run.id, size=job_size(rate))


def high_water(workers: int, *, started: bool) -> int:
    """How many jobs of a run may be in flight.

    Args:
        workers: that are at work.
        started: whether a job of the run is done.
    """
    if not started:
        return max(FIRST_WATER, min(workers, MOST_WATER))
    return max(HIGH_WATER, min(workers * JOBS_A_WORKER, MOST_WATER))


def job_size(rate: float | None, *, least: int = MIN_JOB, most: int = MAX_JOB) -> int:
    """What makes a good job for a worker that does `rate` images, or faces, a second."""
    if rate is None:
        return least
    return max(least, min(most, round(rate * JOB_SECONDS)))
