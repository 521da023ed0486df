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

# Jobs that are published and not done. Before the first is done nobody knows how large a job
# should be, so only a few small ones go out.
HIGH_WATER = 20
FIRST_WATER = 8


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
        in_flight, rate, ready = self._database.fetch(self._look)
        water = FIRST_WATER if rate is None else HIGH_WATER
        if in_flight > water // 2:
            return
        room = water - in_flight
        ready = ready[:room]
        while len(ready) < room:
            job_id = self._cut(rate)
            self.exhausted = job_id is None
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

    def _look(self, connection: Connection) -> tuple[int, float | None, list[int]]:
        run_id = self._run.id
        in_flight = queue.in_flight(connection, run_id)
        return in_flight, queue.rate(connection, run_id), queue.unpublished(connection, run_id)

    def _cut(self, rate: float | None) -> int | None:
        run = self._run
        if isinstance(run, RelabelRecord):
            size = job_size(rate, least=MIN_FACES, most=MAX_FACES)
            return self._database.commit(lambda c: cutting.cut_faces(c, run, size=size))
        size = job_size(rate)
        return self._database.commit(lambda c: cutting.cut_images(c, run.id, size=size))


def job_size(rate: float | None, *, least: int = MIN_JOB, most: int = MAX_JOB) -> int:
    """What makes a good job for a worker that does `rate` images, or faces, a second."""
    if rate is None:
        return least
    return max(least, min(most, round(rate * JOB_SECONDS)))
