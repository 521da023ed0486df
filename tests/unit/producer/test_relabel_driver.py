"""`kaolabel relabel` around its jobs: the version it aims at, beginning, resuming, the summary."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from db.errors import ModelError, UsageError
from db.records import RunState
from db.settings import DatabaseSettings
from db.store import cutting, models, relabels, runs, spans
from db.store.spans import SpanResult
from monitor.status.collect import collect
from monitor.status.page import render
from producer import relabel, relabel_summary
from producer import session as sessions
from producer.enqueue import FIRST_WATER, MAX_FACES, MIN_FACES, Enqueuer, job_size
from producer.queue import Queue
from producer.session import Settings
from tests.ledger import face, prediction
from worker.broker.messages import RELABEL_JOB
from worker.broker.settings import BrokerSettings
from worker.settings import WorkerSettings

if TYPE_CHECKING:
    from pathlib import Path

    from celery import Celery

    from db.records import Progress, RelabelRecord, VersionRecord
    from tests.ledger import Ledger


@pytest.fixture
def queue(ledger: Ledger, app: Celery) -> Queue:
    """A queue whose workers are others'."""
    return Queue(ledger.database, app, lambda: None, embedded=False)


@pytest.fixture
def version(ledger: Ledger) -> VersionRecord:
    """An active version that has yet to see two faces, which an earlier one has seen."""
    old = ledger.publish_model("a")
    ledger.faces(face(prediction()), face(prediction()), version=old)
    ledger.publish_model("b")
    with ledger.database.read() as connection:
        active = models.active(connection)
    assert active is not None
    return active


def work(ledger: Ledger, run: RelabelRecord, *, error: str | None = None) -> None:
    """Do the queued jobs as a worker would; with an error, leave the first face of each out."""
    query = "SELECT id, first_face, last_face FROM jobs WHERE state = 'queued' AND run_id = :run"
    for job, first, last in ledger.rows(query, run=run.id):
        claim = ledger.claim(job)
        if claim is None:
            continue
        faces = range(first + (error is not None), last + 1)
        rows = [(number, run.version_id, "Megumin", 0.5, False, "[]") for number in faces]
        with ledger.database.write() as connection:
            spans.commit(connection, claim, SpanResult(run.version_id, rows, (), (), error))


def settings(home: Path) -> Settings:
    """Settings of a command with workers of its own."""
    return Settings(DatabaseSettings(home=home), BrokerSettings(), WorkerSettings())


def test_a_relabelling_goes_to_its_end(
    queue: Queue, ledger: Ledger, version: VersionRecord
) -> None:
    """Every face is cut, published and waited for; then images count as labelled by the version."""
    run = relabel.begin(queue, version)
    seen: list[Progress] = []

    def report(progress: Progress, _complaints: list[str]) -> None:
        seen.append(progress)
        work(ledger, run)

    done = relabel.drive(queue, run, report=report)
    assert done.state == RunState.FINISHED
    assert (seen[0].done, seen[0].listed, seen[-1].done) == (0, 2, 2)
    assert ledger.rows("SELECT version_id FROM images") == [(version.id,)]


def test_where_nothing_is_left_to_do_it_ends_at_once(
    queue: Queue, ledger: Ledger, version: VersionRecord
) -> None:
    """A second relabelling by the same version cuts no job."""
    run = relabel.begin(queue, version)
    relabel.drive(queue, run, report=lambda _progress, _complaints: work(ledger, run))
    again = relabel.begin(queue, version)
    assert again.id != run.id
    relabel.drive(queue, again, report=lambda _progress, _complaints: None)
    assert ledger.rows("SELECT id FROM jobs WHERE run_id = :run", run=again.id) == []
    assert relabel_summary.summarize(ledger.database, again, seconds=0.0)["relabelled"] == 0


def test_faces_left_out_do_not_hold_it_up(
    queue: Queue, ledger: Ledger, version: VersionRecord
) -> None:
    """A face that cannot be classified is counted and told of; the relabelling still ends."""
    run = relabel.begin(queue, version)
    reason = "face 1 is left out: a stored crop is no JPEG any more"
    done = relabel.drive(queue, run, report=lambda *_said: work(ledger, run, error=reason))
    summary = relabel_summary.summarize(ledger.database, done, seconds=2.0)
    assert (summary["relabelled"], summary["skipped"], summary["complaints"]) == (1, 1, [reason])
    assert ledger.value("SELECT version_id FROM images") != version.id


def test_the_same_version_is_gone_on_with(
    queue: Queue, ledger: Ledger, version: VersionRecord
) -> None:
    """After an interruption the same relabelling is taken up, with its jobs published anew."""
    first = relabel.begin(queue, version)
    with ledger.database.write() as connection:
        job = cutting.cut_faces(connection, first, size=1)
        runs.stop(connection, first.id, reason="interrupted")
    ledger.execute("UPDATE jobs SET published_at = 1 WHERE id = :job", job=job)
    again = relabel.begin(queue, version)
    assert (again.id, again.state) == (first.id, RunState.ACTIVE)
    assert ledger.value("SELECT published_at FROM jobs WHERE id = :job", job=job) is None


def test_another_version_begins_anew(queue: Queue, ledger: Ledger, version: VersionRecord) -> None:
    """Where another version is wanted by now, the stopped relabelling is superseded."""
    first = relabel.begin(queue, version)
    with ledger.database.write() as connection:
        runs.stop(connection, first.id, reason="interrupted")
    ledger.publish_model("c")
    with ledger.database.read() as connection:
        newer = models.active(connection)
    assert newer is not None
    again = relabel.begin(queue, newer)
    assert (again.id != first.id, again.version_id) == (True, newer.id)
    with ledger.database.read() as connection:
        assert relabels.get(connection, first.id).state == RunState.SUPERSEDED


def test_one_command_relabels_at_a_time(queue: Queue, version: VersionRecord) -> None:
    """A second command is refused; with a Redis of our own, the first one must be dead."""
    first = relabel.begin(queue, version)
    with pytest.raises(UsageError, match=f"run {first.id} is relabelling right now"):
        relabel.begin(queue, version)
    again = relabel.begin(dataclasses.replace(queue, embedded=True), version)
    assert again.id == first.id


def test_a_superseded_relabelling_ends_its_command(
    queue: Queue, ledger: Ledger, version: VersionRecord
) -> None:
    """A command whose relabelling was replaced says so, and does not wait for ever."""
    run = relabel.begin(queue, version)

    def replace(_progress: Progress, _complaints: list[str]) -> None:
        ledger.relabel(version.id)

    with pytest.raises(UsageError, match=f"run {run.id} is superseded"):
        relabel.drive(queue, run, report=replace)


def test_the_version_is_the_named_or_the_active_one(sqlite_ledger: Ledger, home: Path) -> None:
    """Without a name the active version is meant; what cannot be loaded is refused at once."""
    database = sqlite_ledger.database
    with pytest.raises(UsageError, match="no active model"):
        relabel.target(settings(home), database, None)
    with pytest.raises(UsageError, match="no model version '9'"):
        relabel.target(settings(home), database, "9")
    sqlite_ledger.publish_model()
    with pytest.raises(ModelError, match="cannot be used"):
        relabel.target(settings(home), database, None)


def test_the_newest_unfinished_thing_is_resumed(
    ledger: Ledger, queue: Queue, version: VersionRecord
) -> None:
    """`resume` finds a relabelling as it finds a run, by number and as the newest one."""
    unfinished = ledger.run(b"/b")
    assert sessions.unfinished_run(ledger.database, None) == unfinished
    run = relabel.begin(queue, version)
    assert sessions.unfinished_run(ledger.database, None) == run
    assert sessions.unfinished_run(ledger.database, run.id) == run
    assert sessions.unfinished_run(ledger.database, unfinished.id) == unfinished


def test_messages_tell_relabelling_from_labelling(
    queue: Queue, ledger: Ledger, version: VersionRecord, app: Celery
) -> None:
    """Both go into one queue, each under the name of its own task."""
    run = relabel.begin(queue, version)
    Enqueuer(ledger.database, app, run).top_up()
    with app.connection_for_read() as connection:
        message = connection.SimpleQueue(app.conf.task_default_queue).get(timeout=5)
        message.ack()
    assert message.headers["task"] == RELABEL_JOB
    assert message.payload[0] == []
    assert list(message.payload[1]) == ["job_id"]


def test_jobs_of_faces_are_larger(sqlite_ledger: Ledger, app: Celery) -> None:
    """Faces are classified by the thousand a second, so that jobs have other bounds."""
    version_id = sqlite_ledger.publish_model()
    sqlite_ledger.faces(*[face(None)] * (MIN_FACES * FIRST_WATER + 1))
    run = sqlite_ledger.relabel(version_id)
    Enqueuer(sqlite_ledger.database, app, run).top_up()
    query = "SELECT DISTINCT size FROM jobs WHERE run_id = :run"
    assert sqlite_ledger.rows(query, run=run.id) == [(MIN_FACES,)]
    assert job_size(1e9, least=MIN_FACES, most=MAX_FACES) == MAX_FACES == 32_768
    assert job_size(1000.0, least=MIN_FACES, most=MAX_FACES) == 5000


def test_the_summary_tells_what_changed(
    queue: Queue, ledger: Ledger, version: VersionRecord
) -> None:
    """Counts of all faces, changed labels, what people said, and the version that is live now."""
    ledger.execute(
        "INSERT INTO annotations (id, face_id, kind, label, created_at)"
        " SELECT 1, min(id), 'is', 'Aqua', 0 FROM faces"
    )
    run = relabel.begin(queue, version)
    done = relabel.drive(queue, run, report=lambda *_said: work(ledger, run))
    newer = ledger.publish_model("c")
    found = relabel_summary.summarize(ledger.database, done, seconds=4.0)
    expected = {
        "run": run.id,
        "version": version.id,
        "active_version": newer,
        "faces": 2,
        "relabelled": 2,
        "changed": 1,
        "changes": [{"old": "Aqua", "new": "Megumin", "faces": 1}],
        "unknown": 0,
        "skipped": 0,
        "annotated": 1,
        "complaints": [],
        "seconds": 4.0,
        "faces_per_second": 0.5,
    }
    assert json.loads(json.dumps(found)) == expected
    console = Console(width=200)
    with console.capture() as captured:
        console.print(relabel_summary.render(found))
    assert "Aqua -> Megumin" in captured.get()
    assert "annotated, kept" in captured.get()


def test_a_relabelling_has_a_status(queue: Queue, ledger: Ledger, version: VersionRecord) -> None:
    """`status` shows relabellings beside runs, with their version and how far they are."""
    run = relabel.begin(queue, version)
    found = collect(ledger.database)
    assert [one["kind"] for one in found["runs"]] == ["label", "relabel"]
    described = found["runs"][1]
    assert (described["run"], described["version"]) == (run.id, version.id)
    assert (described["archive"], described["done"], described["listed"]) == (None, 0, 2)
    console = Console(width=200)
    with console.capture() as captured:
        console.print(render(found))
    assert f"all faces, by version {version.id}" in captured.get()
