"""Beginning and taking up runs, one command an archive at a time."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from db.errors import DetectorError, UnavailableError, UsageError
from db.records import RunState
from db.settings import DatabaseSettings
from db.store import runs
from producer import session as sessions
from producer.queue import worker_environment
from producer.session import Session, Settings
from worker.broker.embedded import EmbeddedRedis
from worker.broker.settings import BrokerSettings
from worker.reading import ArchiveOutsideError
from worker.settings import WorkerSettings
from worker.vision.chain import default_chain

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from celery import Celery

    from db.records import RunRecord
    from tests.ledger import Ledger


@pytest.fixture
def session(ledger: Ledger, app: Celery) -> Session:
    """A session with workers of others."""
    chain = default_chain(None)
    return Session(ledger.database, app, lambda: None, embedded=False, chain=chain)


def stop(ledger: Ledger, run: RunRecord) -> None:
    """Stop a run as its command would."""
    with ledger.database.write() as connection:
        runs.stop(connection, run.id, reason="interrupted")


def test_a_run_is_begun_with_the_chain_of_the_session(session: Session) -> None:
    """The run pins the detectors that were proven to work here."""
    run = sessions.begin(session, root=b"/a", detect_only=True)
    assert (run.chain_id, run.detect_only, run.state) == (session.chain.id, True, RunState.ACTIVE)


def test_a_second_command_in_one_archive_is_refused(session: Session) -> None:
    """While a command is at work in an archive, another one may work elsewhere only."""
    first = sessions.begin(session, root=b"/a", detect_only=True)
    with pytest.raises(UsageError, match=f"run {first.id} is at work in this archive"):
        sessions.begin(session, root=b"/a", detect_only=True)
    sessions.begin(session, root=b"/b", detect_only=True)


def test_the_run_of_a_command_that_died_is_superseded(session: Session, ledger: Ledger) -> None:
    """A run without a sign of life does not block its archive for ever."""
    sessions.begin(session, root=b"/a", detect_only=True)
    ledger.execute("UPDATE runs SET heartbeat_at = heartbeat_at - 31")
    sessions.begin(session, root=b"/a", detect_only=True)
    assert ledger.rows("SELECT state FROM runs ORDER BY id") == [("superseded",), ("active",)]


def test_a_stopped_run_is_taken_up(session: Session, ledger: Ledger) -> None:
    """Its queued jobs are published anew, and it is active again."""
    run = sessions.begin(session, root=b"/a", detect_only=True)
    ledger.register(run, b"a")
    ledger.cut(run)
    ledger.execute("UPDATE jobs SET published_at = 1")
    stop(ledger, run)
    again = sessions.take_up(session, run)
    assert (again.id, again.state) == (run.id, RunState.ACTIVE)
    assert ledger.value("SELECT published_at FROM jobs") is None


@pytest.mark.parametrize("embedded", [False, True])
def test_leases_are_freed_where_their_workers_must_be_dead(
    session: Session, ledger: Ledger, *, embedded: bool
) -> None:
    """Workers of our own died with their command; those of others may still be at work."""
    session = dataclasses.replace(session, embedded=embedded)
    run = sessions.begin(session, root=b"/a", detect_only=True)
    claim = ledger.take(run, b"a")
    stop(ledger, run)
    sessions.take_up(session, run)
    assert (ledger.claim(claim.job_id) is not None) is embedded


def test_a_run_that_is_at_work_is_not_taken_up(session: Session) -> None:
    """Workers of others may be driven by a command on another machine."""
    run = sessions.begin(session, root=b"/a", detect_only=True)
    with pytest.raises(UsageError, match="at work"):
        sessions.take_up(session, run)
    # An embedded Redis lets only one command in, so here the other one cannot be alive.
    sessions.take_up(dataclasses.replace(session, embedded=True), run)


def test_a_run_of_other_detectors_is_not_taken_up(session: Session, ledger: Ledger) -> None:
    """Half an archive searched by other detectors would be a riddle; the line says what to set."""
    run = ledger.run(chain="lbp+r1")
    with pytest.raises(UsageError, match=r"begun with the detectors lbp\+r1.*KAOLABEL_CASCADE"):
        sessions.take_up(session, run)


def test_the_newest_unfinished_run_is_resumed(ledger: Ledger) -> None:
    """Without a number the newest active or stopped run is meant, with one that run."""
    with pytest.raises(UsageError, match="nothing to resume"):
        sessions.unfinished_run(ledger.database, None)
    first, second, third = ledger.run(b"/a"), ledger.run(b"/b"), ledger.run(b"/c")
    stop(ledger, second)
    with ledger.database.write() as connection:
        runs.finish(connection, third.id)
    assert sessions.unfinished_run(ledger.database, None).id == second.id
    assert sessions.unfinished_run(ledger.database, first.id).id == first.id
    with pytest.raises(UsageError, match=f"run {third.id} is finished"):
        sessions.unfinished_run(ledger.database, third.id)
    with pytest.raises(UsageError, match="there is no run 99"):
        sessions.unfinished_run(ledger.database, 99)


def test_the_active_version_is_named(ledger: Ledger) -> None:
    """Faces should have a prediction by the version that is live when the run begins."""
    assert sessions.active_version_id(ledger.database) is None
    version = ledger.publish_model()
    assert sessions.active_version_id(ledger.database) == version


def settings(home: Path, *, broker: str | None = None, cascade: str | None = None) -> Settings:
    """Settings of a command."""
    url = None if broker is None else SecretStr(broker)
    return Settings(
        DatabaseSettings(home=home), BrokerSettings(broker_url=url), WorkerSettings(cascade=cascade)
    )


def open_session(settings: Settings, ledger: Ledger) -> AbstractContextManager[Session]:
    """A session for some archive."""
    return sessions.open_session(settings, ledger.database, archives=[b"/a"], version=None)


def test_the_environment_describes_a_session(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every setting has its environment variable; a home is made with its ledger."""
    monkeypatch.setenv("KAOLABEL_HOME", str(home))
    monkeypatch.setenv("KAOLABEL_BROKER_URL", "redis://broker/0")
    monkeypatch.setenv("KAOLABEL_DECODERS", "3")
    found = sessions.read_settings()
    assert (found.database.home, found.broker.embedded, found.worker.decoders) == (home, False, 3)
    sessions.open_ledger(found).close()
    assert (home / "kaolabel.db").is_file()


def test_detectors_are_proven_before_a_run_begins(home: Path, sqlite_ledger: Ledger) -> None:
    """A cascade that finds no faces ends the command, and the servers that it has started."""
    wrong = settings(home, cascade="haarcascade_russian_plate_number")
    with pytest.raises(DetectorError), open_session(wrong, sqlite_ledger):
        pytest.fail("the session must not open")
    assert not EmbeddedRedis(home).socket.exists()


def test_detectors_of_others_are_not_proven_here(
    home: Path, sqlite_ledger: Ledger, app: Celery
) -> None:
    """A producer in a cluster searches nothing itself: it names the chain, and workers prove it."""
    wrong = settings(home, broker=app.conf.broker_url, cascade="haarcascade_russian_plate_number")
    with open_session(wrong, sqlite_ledger) as session:
        assert session.chain.id.startswith("haarcascade_russian_plate_number")


def test_an_archive_that_may_not_be_read_ends_the_command(home: Path, ledger: Ledger) -> None:
    """What the settings do not allow is refused before anything is started or begun."""
    narrow = Settings(
        DatabaseSettings(home=home), BrokerSettings(), WorkerSettings(archive_roots=(b"/b",))
    )
    with pytest.raises(ArchiveOutsideError, match="the archive /a lies outside"):
        open_session(narrow, ledger).__enter__()
    assert not home.exists()


@pytest.mark.parametrize("archives", [[b"/a:b\xff\n"], []])
def test_workers_of_our_own_read_what_they_must(
    home: Path, monkeypatch: pytest.MonkeyPatch, archives: list[bytes]
) -> None:
    """They get the archive of their run, whatever its name, and none for a relabelling."""
    environment = worker_environment(settings(home), "redis+socket:///x", archives, prepare="model")
    monkeypatch.setenv("KAOLABEL_ARCHIVE_ROOTS", environment["KAOLABEL_ARCHIVE_ROOTS"])
    assert WorkerSettings().archive_roots == tuple(archives)


def test_a_broker_that_is_away_ends_the_command(home: Path, sqlite_ledger: Ledger) -> None:
    """A named broker must answer; no Redis of our own is started in its stead."""
    away = settings(home, broker="redis://127.0.0.1:9/0")
    with pytest.raises(UnavailableError), open_session(away, sqlite_ledger):
        pass
    assert not (home / "redis").exists()


def test_a_broker_of_others_is_used_as_it_is(
    home: Path, sqlite_ledger: Ledger, app: Celery
) -> None:
    """With a broker that answers neither a Redis nor a worker is started."""
    named = settings(home, broker=app.conf.broker_url)
    with open_session(named, sqlite_ledger) as session:
        assert not session.embedded
        assert session.animeface_alone
    assert not (home / "redis").exists()
