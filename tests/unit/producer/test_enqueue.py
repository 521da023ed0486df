"""The enqueuer: jobs of the right size, never more than the bound in flight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.store import jobs, runs
from producer import enqueue
from producer.enqueue import (
    FIRST_WATER,
    HIGH_WATER,
    JOBS_A_WORKER,
    MAX_JOB,
    MIN_JOB,
    MOST_WATER,
    Enqueuer,
    high_water,
    job_size,
)
from tests.ledger import content
from worker.broker.app import waiting_messages
from worker.broker.messages import LABEL_JOB
from worker.broker.settings import BrokerSettings

if TYPE_CHECKING:
    from celery import Celery

    from db.records import RunRecord
    from tests.ledger import Ledger


@pytest.fixture
def run(sqlite_ledger: Ledger) -> RunRecord:
    """A run of many files."""
    run = sqlite_ledger.run()
    sqlite_ledger.register(run, *(b"%d" % number for number in range(2000)))
    return run


def in_flight(ledger: Ledger, run: RunRecord) -> int:
    """Jobs that are published and not done."""
    with ledger.database.read() as connection:
        return runs.progress(connection, run.id).jobs_in_flight


def do_claimed(ledger: Ledger, job: int) -> None:
    """Note that a claimed job was done just now, and took long."""
    ledger.execute(
        "UPDATE jobs SET state = 'done', finished_at = claimed_at, claimed_at = claimed_at - 1000"
        " WHERE id = :job",
        job=job,
    )


def do_one(ledger: Ledger, *, seconds: float = 1.0) -> None:
    """Let a worker do the oldest published job in so many seconds."""
    job = ledger.value("SELECT min(id) FROM jobs WHERE state = 'queued' AND published_at > 0")
    claim = ledger.claim(job)
    assert claim is not None
    ledger.finish(claim, *(content(image.path) for image in ledger.todo(job)))
    ledger.execute(
        "UPDATE jobs SET claimed_at = finished_at - :seconds WHERE id = :job",
        seconds=seconds,
        job=job,
    )


def test_before_the_first_rate_only_a_few_small_jobs_go_out(
    sqlite_ledger: Ledger, run: RunRecord, app: Celery
) -> None:
    """As long as nobody knows how fast workers are, jobs are small and few."""
    enqueuer = Enqueuer(sqlite_ledger.database, app, run)
    enqueuer.top_up()
    enqueuer.top_up()
    assert in_flight(sqlite_ledger, run) == waiting_messages(app) == FIRST_WATER
    assert sqlite_ledger.rows("SELECT DISTINCT size FROM jobs") == [(MIN_JOB,)]


def test_never_more_than_the_bound_is_in_flight(
    sqlite_ledger: Ledger, run: RunRecord, app: Celery
) -> None:
    """However often the queue is topped up, its length stays bounded while work goes on."""
    enqueuer = Enqueuer(sqlite_ledger.database, app, run)
    for _ in range(30):
        enqueuer.top_up()
        assert in_flight(sqlite_ledger, run) <= HIGH_WATER
        do_one(sqlite_ledger, seconds=8.0)
    assert in_flight(sqlite_ledger, run) > 0


def test_the_queue_is_topped_up_when_half_empty(
    sqlite_ledger: Ledger, run: RunRecord, app: Celery
) -> None:
    """Nothing is published while more than half of the bound is in flight."""
    enqueuer = Enqueuer(sqlite_ledger.database, app, run)
    enqueuer.top_up()
    for left in range(FIRST_WATER - 1, FIRST_WATER // 2, -1):
        # Slow, so that the rate keeps jobs at their least size.
        do_one(sqlite_ledger, seconds=1000.0)
        assert in_flight(sqlite_ledger, run) == left
    enqueuer.top_up()
    assert in_flight(sqlite_ledger, run) == HIGH_WATER


def test_the_bound_follows_the_workers(sqlite_ledger: Ledger, run: RunRecord, app: Celery) -> None:
    """Where many workers hold jobs, as many are in flight as keep all of them busy."""
    enqueuer = Enqueuer(sqlite_ledger.database, app, run)
    enqueuer.top_up()
    do_one(sqlite_ledger, seconds=1000.0)
    enqueuer.top_up()
    waiting = "SELECT id FROM jobs WHERE state = 'queued' ORDER BY id LIMIT 9"
    for number, (job,) in enumerate(sqlite_ledger.rows(waiting)):
        assert sqlite_ledger.claim(job, worker=f"host:{number}")
        do_claimed(sqlite_ledger, job)
    enqueuer.top_up()
    # The one that did the first job is the tenth.
    assert in_flight(sqlite_ledger, run) == 10 * JOBS_A_WORKER


def test_job_sizes_follow_the_rate(sqlite_ledger: Ledger, run: RunRecord, app: Celery) -> None:
    """A worker that does 64 images a second gets jobs that keep it busy for five seconds."""
    enqueuer = Enqueuer(sqlite_ledger.database, app, run)
    enqueuer.top_up()
    for _ in range(FIRST_WATER):
        do_one(sqlite_ledger, seconds=MIN_JOB / 64)
    enqueuer.top_up()
    sizes = [row[0] for row in sqlite_ledger.rows("SELECT size FROM jobs ORDER BY id")]
    assert sizes[FIRST_WATER] == pytest.approx(320, abs=1)


def test_unpublished_jobs_go_first(sqlite_ledger: Ledger, run: RunRecord, app: Celery) -> None:
    """Jobs that stand in the ledger without a message are published before new ones are cut."""
    waiting = [sqlite_ledger.cut(run, 10) for _ in range(FIRST_WATER)]
    Enqueuer(sqlite_ledger.database, app, run).top_up()
    rows = sqlite_ledger.rows("SELECT id FROM jobs WHERE published_at > 0 ORDER BY id")
    assert [row[0] for row in rows] == waiting
    assert sqlite_ledger.value("SELECT count(*) FROM jobs") == FIRST_WATER


def test_more_unpublished_jobs_than_the_bound_wait(
    sqlite_ledger: Ledger, run: RunRecord, app: Celery
) -> None:
    """After a resume with many open jobs the bound holds as well."""
    for _ in range(FIRST_WATER * 2):
        sqlite_ledger.cut(run, 1)
    Enqueuer(sqlite_ledger.database, app, run).top_up()
    assert in_flight(sqlite_ledger, run) == FIRST_WATER


def test_jobs_that_were_given_back_wait_for_their_time(
    sqlite_ledger: Ledger, run: RunRecord, app: Celery
) -> None:
    """A job that no worker could do is not published again before its delay is over."""
    claim = sqlite_ledger.claim(sqlite_ledger.cut(run))
    assert claim is not None
    with sqlite_ledger.database.write() as connection:
        jobs.release(connection, claim, error="no model", refund=True, delay=60)
    Enqueuer(sqlite_ledger.database, app, run).top_up()
    assert waiting_messages(app) == 0


def test_messages_carry_ids_only(sqlite_ledger: Ledger, run: RunRecord, app: Celery) -> None:
    """A message names the task and the job; paths and pixels never travel."""
    job = sqlite_ledger.cut(run, 2000)
    Enqueuer(sqlite_ledger.database, app, run).top_up()
    with app.connection_for_read() as connection:
        message = connection.SimpleQueue(app.conf.task_default_queue).get(timeout=5)
        message.ack()
    assert message.headers["task"] == LABEL_JOB
    assert message.payload[:2] == [[], {"job_id": job}]
    assert app.conf.task_time_limit == BrokerSettings().task_time_limit


def test_a_run_without_files_publishes_nothing(sqlite_ledger: Ledger, app: Celery) -> None:
    """An empty run leaves the queue empty."""
    Enqueuer(sqlite_ledger.database, app, sqlite_ledger.run()).top_up()
    assert waiting_messages(app) == 0


@given(st.none() | st.floats(0, 1e9))
def test_job_sizes_are_bounded(rate: float | None) -> None:
    """Whatever the rate, a job holds 32 to 2,048 images."""
    assert MIN_JOB <= job_size(rate) <= MAX_JOB


@given(st.floats(MIN_JOB / enqueue.JOB_SECONDS, MAX_JOB / enqueue.JOB_SECONDS))
def test_jobs_aim_at_five_seconds(rate: float) -> None:
    """Between the bounds a job is five seconds of work, to the image."""
    assert abs(job_size(rate) - rate * enqueue.JOB_SECONDS) <= 0.5


@given(workers=st.integers(0, 10_000), started=st.booleans())
def test_the_bound_is_bounded(workers: int, *, started: bool) -> None:
    """A few workers have the same bound as one, and no number of them fills the broker."""
    water = high_water(workers, started=started)
    assert FIRST_WATER <= water <= MOST_WATER
    assert high_water(5, started=True) == high_water(0, started=True) == HIGH_WATER
