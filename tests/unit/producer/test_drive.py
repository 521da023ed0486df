"""The driver: one run from its first file to its last result."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from db.errors import ArchiveGoneError, UnavailableError, UsageError
from db.records import Progress, RunState
from db.store import jobs, runs
from producer import drive
from producer.drive import Driver
from tests.ledger import content
from tests.outage import Twice, outage_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

    from db.records import RunRecord
    from tests.ledger import Ledger


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An archive of 25 files in two folders, with a link, seen in small batches."""
    monkeypatch.setattr(drive, "_BATCH", 10)
    monkeypatch.setattr(drive, "_PAUSE", 0.0)
    monkeypatch.setattr(drive, "_SHORT_PAUSE", 0.0)
    monkeypatch.setattr(drive, "_BEAT", -1.0)
    folder = tmp_path / "archive"
    for number in range(25):
        path = folder / str(number % 2) / f"{number:02}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * number)
    (folder / "link").symlink_to("0")
    return folder


class Desk:
    """A run, with somebody who does its jobs whenever the driver looks after its workers."""

    def __init__(self, ledger: Ledger, app: Celery, archive: Path) -> None:
        self.ledger = ledger
        self.app = app
        self.run: RunRecord = ledger.run(os.fsencode(archive))
        self.shown: list[Progress] = []
        self.complaints: list[str] = []

    def drive(self, watch: Callable[[], None] | None = None) -> Driver:
        """Drive the run to its end."""
        driver = self.driver(watch or self.work)
        driver.drive()
        return driver

    def driver(self, watch: Callable[[], None]) -> Driver:
        """A driver of the run."""
        return Driver(
            self.ledger.database,
            self.app,
            self.run,
            version_id=None,
            leave_out=frozenset(),
            watch=watch,
            report=self.note,
        )

    def work(self) -> None:
        """Do every published job."""
        for (job,) in self.ledger.rows("SELECT id FROM jobs WHERE state = 'queued'"):
            claim = self.ledger.claim(job)
            if claim is not None:
                todo = self.ledger.todo(job)
                self.ledger.finish(claim, *(content(image.path) for image in todo))

    def note(self, progress: Progress, complaints: list[str]) -> None:
        """Keep what is reported."""
        self.shown.append(progress)
        self.complaints += complaints

    def record(self) -> RunRecord:
        """The run as it stands."""
        with self.ledger.database.read() as connection:
            return runs.get(connection, self.run.id)


@pytest.fixture
def desk(ledger: Ledger, app: Celery, archive: Path) -> Desk:
    """A desk at each of the databases."""
    return Desk(ledger, app, archive)


def test_a_run_is_driven_to_its_end(desk: Desk) -> None:
    """Every file is listed once and done, what was skipped is counted, the run is finished."""
    driver = desk.drive()
    run = desk.record()
    assert (run.state, run.walked, run.skipped) == (RunState.FINISHED, True, 1)
    assert driver.skipped == {"links": 1}
    assert desk.shown[-1] == Progress(listed=25, done=25, jobs_in_flight=0, jobs_open=0)
    assert desk.ledger.value("SELECT count(*) FROM images WHERE outcome = 'no_face'") == 25


def test_work_begins_before_the_walk_ends(desk: Desk) -> None:
    """The first files are done while later ones are not listed yet."""
    desk.drive()
    assert any(0 < progress.done < 25 and progress.listed < 25 for progress in desk.shown)


def test_an_unchanged_archive_is_done_at_once(desk: Desk) -> None:
    """A second run over the same files makes no job at all."""
    desk.drive()
    before = desk.ledger.value("SELECT count(*) FROM jobs")
    desk.run = desk.ledger.run(desk.run.root)
    desk.drive()
    assert desk.ledger.value("SELECT count(*) FROM jobs") == before
    assert desk.record().state == RunState.FINISHED


def test_a_stopped_run_goes_on_where_it_was(desk: Desk) -> None:
    """After an interruption nothing that was done is done again, and nothing is missed."""

    def interrupt() -> None:
        desk.work()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        desk.drive(interrupt)
    with desk.ledger.database.write() as connection:
        runs.stop(connection, desk.run.id, reason="interrupted")
        jobs.take_over(connection, desk.run.id, workers_are_dead=True)
        desk.run = runs.activate(connection, desk.run.id)
    desk.drive()
    assert desk.ledger.value("SELECT sum(size) FROM jobs WHERE state = 'done'") == 25
    assert desk.shown[-1].done == 25


def test_a_run_that_a_worker_stopped_ends_the_command(desk: Desk) -> None:
    """When a worker finds the archive gone, the driver raises with the reason."""

    def lose_archive() -> None:
        with desk.ledger.database.write() as connection:
            runs.stop(connection, desk.run.id, reason="the archive /x is gone")

    with pytest.raises(ArchiveGoneError, match="the archive /x is gone"):
        desk.drive(lose_archive)
    assert desk.record().state == RunState.STOPPED


def test_workers_that_cannot_go_on_end_the_command(desk: Desk) -> None:
    """What the look after the workers raises is raised."""

    def give_up() -> None:
        raise UnavailableError("the worker does not start")

    with pytest.raises(UnavailableError):
        desk.drive(give_up)


def test_complaints_of_workers_are_reported(desk: Desk) -> None:
    """Why a job was given back reaches the person at the command while it is open."""
    looks = 0

    def refuse_first() -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            job = desk.ledger.value("SELECT min(id) FROM jobs WHERE state = 'queued'")
            claim = desk.ledger.claim(job)
            assert claim is not None
            with desk.ledger.database.write() as connection:
                jobs.release(connection, claim, error="no such model", refund=True)
        elif looks > 3:
            desk.work()

    desk.drive(refuse_first)
    assert set(desk.complaints) == {"no such model"}


def test_the_run_shows_that_its_producer_lives(desk: Desk) -> None:
    """The driver beats, so that no second command takes the archive."""
    desk.ledger.execute("UPDATE runs SET heartbeat_at = 0")
    desk.drive()
    assert desk.ledger.value("SELECT heartbeat_at FROM runs") > 0


def test_our_own_folder_is_left_out(desk: Desk) -> None:
    """Folders that are not to be entered are not part of the archive."""
    driver = Driver(
        desk.ledger.database,
        desk.app,
        desk.run,
        version_id=None,
        leave_out=frozenset({os.path.join(desk.run.root, b"1")}),
        watch=desk.work,
        report=desk.note,
    )
    driver.drive()
    assert desk.shown[-1].listed == 13


def test_an_archive_without_files_is_finished(ledger: Ledger, app: Celery, tmp_path: Path) -> None:
    """A folder of empty folders is a run with nothing to do."""
    (tmp_path / "archive" / "empty").mkdir(parents=True)
    desk = Desk(ledger, app, tmp_path / "archive")
    desk.drive()
    assert desk.record().state == RunState.FINISHED


def test_an_archive_that_vanishes_during_the_walk_is_not_a_smaller_one(
    ledger: Ledger, app: Celery, archive: Path
) -> None:
    """A folder that is renamed while it is listed stops the run instead of losing files."""
    desk = Desk(ledger, app, archive)

    def vanish() -> None:
        desk.work()
        if archive.exists():
            archive.rename(archive.with_name("away"))

    with pytest.raises(ArchiveGoneError, match="is gone"):
        desk.drive(vanish)
    assert not desk.record().walked


def test_the_database_may_go_away_at_any_time(
    postgresql_ledger: Ledger, app: Celery, archive: Path
) -> None:
    """During the walk and between two looks it is waited for, told of, and nothing is doubled."""
    desk = Desk(postgresql_ledger, app, archive)
    outages = looks = 0
    gone = False

    with outage_of(desk.ledger.database) as outage:

        def lose() -> None:
            nonlocal outages, looks, gone
            looks += 1
            if not gone and looks % 3:
                desk.work()
            elif not gone:
                outage.begin()
                gone = True
            elif desk.complaints:
                outage.end()
                assert "does not answer; still trying" in desk.complaints.pop()
                desk.complaints.clear()
                outages, gone = outages + 1, False

        desk.drive(lose)
    assert outages >= 2
    assert desk.shown[-1] == Progress(listed=25, done=25, jobs_in_flight=0, jobs_open=0)
    assert desk.record().state == RunState.FINISHED


def test_files_that_are_registered_twice_are_counted_once(desk: Desk) -> None:
    """A batch whose commit was not answered is registered again, and changes nothing."""
    driver = desk.driver(desk.work)
    twice = Twice(desk.ledger.database.url.render_as_string(hide_password=False))
    driver._database = twice
    driver.drive()
    twice.close()
    assert desk.shown[-1].listed == 25
    assert desk.ledger.value("SELECT count(*) FROM images") == 25
    assert desk.ledger.value("SELECT sum(size) FROM jobs WHERE state = 'done'") == 25


def test_a_command_whose_run_was_taken_over_ends(desk: Desk) -> None:
    """Two commands never drive the same run for long: the one that was taken for dead gives up."""

    def lose() -> None:
        desk.ledger.execute("UPDATE runs SET holder = 'elsewhere:1'")

    with pytest.raises(UsageError, match="another command has taken over"):
        desk.drive(lose)
    assert desk.record().state == RunState.ACTIVE
