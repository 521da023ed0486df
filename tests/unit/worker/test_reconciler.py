"""The reconciler: sends again what the broker or a worker has lost."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from db.engine import Database
from db.process import this_process
from tests.ledger import content
from worker import reconciler
from worker.broker.app import waiting_messages
from worker.broker.settings import BrokerSettings
from worker.reconciler import Calm, Reconciler, free_dead, publish, reconcile

if TYPE_CHECKING:
    from celery import Celery

    from db.records import RunRecord
    from tests.ledger import Ledger


@pytest.fixture
def run(ledger: Ledger) -> RunRecord:
    """A run of two files."""
    run = ledger.run()
    ledger.register(run, b"a", b"b")
    return run


def published_job(ledger: Ledger, app: Celery, run: RunRecord) -> int:
    """A job of one file whose message was sent just now."""
    job = ledger.cut(run, 1)
    publish(ledger.database, app, [job])
    return job


def age(ledger: Ledger, seconds: float) -> None:
    """Let all messages have been sent so long ago."""
    ledger.execute("UPDATE jobs SET published_at = published_at - :seconds", seconds=seconds)


def forget(app: Celery) -> None:
    """Let Redis lose everything."""
    with app.connection_for_write() as connection:
        connection.default_channel.client.flushall()


def test_publishing_sends_and_notes(ledger: Ledger, app: Celery, run: RunRecord) -> None:
    """A message a job is sent, and the ledger knows of it."""
    publish(ledger.database, app, [ledger.cut(run, 1), ledger.cut(run, 1)])
    assert waiting_messages(app) == 2
    assert ledger.value("SELECT count(published_at) FROM jobs") == 2
    publish(ledger.database, app, [])
    assert waiting_messages(app) == 2


def test_fresh_messages_are_left_alone(ledger: Ledger, app: Celery, run: RunRecord) -> None:
    """What was sent just now is not sent again, whether it still waits or was taken."""
    published_job(ledger, app, run)
    assert reconcile(ledger.database, app) == []
    forget(app)
    assert reconcile(ledger.database, app) == []


def test_lost_messages_are_sent_again(ledger: Ledger, app: Celery, run: RunRecord) -> None:
    """After Redis lost its data, jobs without a message are published within seconds."""
    job = published_job(ledger, app, run)
    forget(app)
    age(ledger, 15)
    assert reconcile(ledger.database, app) == [job]
    assert waiting_messages(app) == 1
    assert reconcile(ledger.database, app) == []


def test_messages_in_a_long_queue_are_given_time(
    ledger: Ledger, app: Celery, run: RunRecord
) -> None:
    """While messages wait, a job is not taken for lost before two minutes are over."""
    job = published_job(ledger, app, run)
    age(ledger, 60)
    assert reconcile(ledger.database, app) == []
    age(ledger, 61)
    assert reconcile(ledger.database, app) == [job]


def test_a_lost_claim_is_published(ledger: Ledger, app: Celery, run: RunRecord) -> None:
    """The job of a worker that is gone is queued and sent again."""
    job = published_job(ledger, app, run)
    forget(app)
    assert ledger.claim(job) is not None
    assert reconcile(ledger.database, app) == []
    ledger.lose(job)
    assert reconcile(ledger.database, app) == [job]
    assert waiting_messages(app) == 1
    assert ledger.claim(job) is not None


def test_the_halves_of_a_split_job_are_published(ledger: Ledger, app: Celery) -> None:
    """A job that was lost three times comes back as two messages."""
    claim = ledger.take(ledger.run(), b"a", b"b")
    ledger.execute("UPDATE jobs SET attempts = 3")
    ledger.lose(claim.job_id)
    assert len(reconcile(ledger.database, app)) == 2
    assert waiting_messages(app) == 2


def test_done_jobs_are_left_alone(ledger: Ledger, app: Celery) -> None:
    """Nothing is sent for what is done, however long ago."""
    ledger.finish(ledger.take(ledger.run(), b"a"), content(b"1"))
    age(ledger, 10_000)
    assert reconcile(ledger.database, app) == []


def test_the_thread_reconciles_until_it_is_stopped(
    sqlite_ledger: Ledger, app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread looks again and again, with a connection of its own, and ends when told."""
    monkeypatch.setattr(reconciler, "_EVERY", 0.02)
    ledger = sqlite_ledger
    run = ledger.run()
    ledger.register(run, b"a")
    job = ledger.cut(run)
    assert ledger.claim(job) is not None
    ledger.lose(job)
    own = Database(ledger.database.url.render_as_string())
    thread = Reconciler(lambda: own, app)
    thread.start()
    while waiting_messages(app) == 0:
        pass
    thread.stop()
    thread.join()
    own.close()
    assert ledger.value("SELECT state FROM jobs") == "queued"


def test_the_thread_survives_a_server_that_is_away(
    sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A broker that does not answer is tried again, with a line in the log."""
    from worker.broker.app import create_app

    monkeypatch.setattr(reconciler, "_EVERY", 0.02)
    dead = create_app("redis://127.0.0.1:9/0", BrokerSettings())
    thread = Reconciler(lambda: sqlite_ledger.database, dead)
    thread.start()
    while caplog.text.count("not reconciled") < 2:
        pass
    thread.stop()
    thread.join()


def test_jobs_of_processes_that_died_here_are_freed(ledger: Ledger, app: Celery) -> None:
    """The job of a process of this host that is gone does not wait for its lease."""
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    run = ledger.run()
    ledger.register(run, b"a", b"b", b"c")
    dead, alive, elsewhere = (ledger.cut(run, 1) for _ in range(3))
    assert ledger.claim(dead, this_process().replace(f":{os.getpid()}", f":{gone.pid}"))
    assert ledger.claim(alive, this_process())
    assert ledger.claim(elsewhere, "elsewhere:1")
    assert reconcile(ledger.database, app) == []
    free_dead(ledger.database)
    assert reconcile(ledger.database, app) == [dead]


def test_an_outage_counts_no_claim_as_lost(ledger: Ledger, app: Celery, run: RunRecord) -> None:
    """After a time in which nobody could be heard, workers first get the time to speak again."""
    job = published_job(ledger, app, run)
    assert ledger.claim(job) is not None
    calm = Calm()
    ledger.lose(job)
    calm._looked_at -= 60
    assert reconcile(ledger.database, app, calm=calm) == []
    assert not calm.look()
    calm._since -= 31
    assert reconcile(ledger.database, app, calm=calm) == [job]


def test_the_thread_survives_a_mistake_of_ours(
    sqlite_ledger: Ledger, app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that raises what nobody foresaw is not the last one."""
    monkeypatch.setattr(reconciler, "_EVERY", 0.02)
    looks = 0

    class Mistaken(Reconciler):
        def look(self, _database: Database) -> None:
            nonlocal looks
            looks += 1
            raise ZeroDivisionError

    thread = Mistaken(lambda: sqlite_ledger.database, app)
    thread.start()
    while looks < 2:
        pass
    thread.stop()
    thread.join()
