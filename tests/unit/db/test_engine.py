"""The engine: transactions that behave the same on both databases."""

from __future__ import annotations

import math
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, cast

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from db.engine import Database, open_database
from db.errors import UnavailableError, UsageError
from db.outage import is_transient
from db.settings import DatabaseSettings

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg
    from sqlalchemy import Connection

    from tests.ledger import Ledger

NOTHING_LISTENS = "postgresql://kao:hush@127.0.0.1:9/kao"

# Locks a SQLite file for as long as it is told, and says when it has the lock.
LOCKER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
time.sleep(float(sys.argv[2]))
connection.rollback()
connection.close()
"""


def count_archives(database: Database) -> int:
    """How many archives the database has."""
    with database.read() as connection:
        return int(connection.execute(text("SELECT count(*) FROM archives")).scalar_one())


def add_archive(connection: Connection) -> None:
    """Write something."""
    statement = text("INSERT INTO archives (root, display) VALUES (:root, 'x')")
    connection.execute(statement, {"root": b"/x"})


def test_a_write_is_committed(database: Database) -> None:
    """What a block writes is there for the next reader."""
    with database.write() as connection:
        add_archive(connection)
    assert count_archives(database) == 1


def test_a_write_that_raises_is_rolled_back(database: Database) -> None:
    """A block that raises leaves nothing behind."""

    def write_and_raise() -> None:
        with database.write() as connection:
            add_archive(connection)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_raise()
    assert count_archives(database) == 0


def test_commit_gives_what_the_work_gives(database: Database) -> None:
    """The result of the work comes back from a commit."""
    assert database.commit(lambda connection: connection.scalar(text("SELECT 7"))) == 7


def test_commit_raises_what_trying_again_cannot_mend(database: Database) -> None:
    """A constraint that is violated is no outage."""
    database.commit(add_archive)
    with pytest.raises(IntegrityError) as caught:
        database.commit(add_archive)
    assert not is_transient(caught.value)


def test_sqlite_has_its_pragmas(sqlite: Database) -> None:
    """Every SQLite connection has a write-ahead log, foreign keys and a busy timeout."""
    names = ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
    with sqlite.read() as connection:
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]
    assert found == ["wal", 1, 30_000, 1]


def test_foreign_keys_hold(database: Database) -> None:
    """A row cannot name a row that is not there."""
    statement = text("INSERT INTO activations (version_id, at, why) VALUES (99, 0, '')")
    with pytest.raises(IntegrityError), database.write() as connection:
        connection.execute(statement)


def test_a_second_sqlite_writer_waits(sqlite: Database) -> None:
    """Two transactions that read before they write come one after the other; neither fails."""

    def count_up() -> None:
        with sqlite.write() as connection:
            listed = connection.scalar(text("SELECT count(*) FROM archives"))
            time.sleep(0.01)
            statement = text("INSERT INTO archives (root, display) VALUES (:root, 'x')")
            connection.execute(statement, {"root": str(listed).encode()})

    threads = [threading.Thread(target=count_up) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count_archives(sqlite) == 8


def test_commit_rides_out_a_locked_sqlite_file(sqlite: Database, tmp_path: Path) -> None:
    """Another process that holds the file for two seconds costs time and nothing else."""
    path = str(sqlite.url.database)
    arguments = [sys.executable, "-c", LOCKER, path, "2"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=tmp_path) as locker:
        assert locker.stdout is not None
        assert locker.stdout.readline() == b"locked\n"
        sqlite.commit(add_archive)
    assert count_archives(sqlite) == 1


def test_commit_tries_again_when_the_lock_outlasts_the_busy_timeout(
    sqlite: Database,
) -> None:
    """A locked file is transient: the transaction is begun anew until it succeeds."""
    tries = 0

    def work(connection: Connection) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            # From a connection that does not wait, so that the error comes soon.
            with impatient.write(wait=0.0) as other:
                add_archive(other)
        add_archive(connection)

    impatient = Database(f"sqlite:///{sqlite.url.database}")
    sqlite.commit(work)
    impatient.close()
    assert tries == 2
    assert count_archives(sqlite) == 1


def test_a_deadlock_does_not_surface(postgresql_ledger: Ledger) -> None:
    """Two transactions that lock the same rows crosswise are both done in the end."""
    ledger = postgresql_ledger
    first, second = ledger.run(b"/1").id, ledger.run(b"/2").id
    both_began = threading.Barrier(2)
    statement = text("UPDATE runs SET skipped = skipped + 1 WHERE id = :id")

    def cross(order: tuple[int, int]) -> None:
        tries = 0

        def work(connection: Connection) -> None:
            nonlocal tries
            tries += 1
            connection.execute(statement, {"id": order[0]})
            if tries == 1:
                both_began.wait()
            connection.execute(statement, {"id": order[1]})

        ledger.database.commit(work)

    orders = ((first, second), (second, first))
    threads = [threading.Thread(target=cross, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.rows("SELECT skipped FROM runs") == [(2,), (2,)]


def test_a_cut_connection_is_replaced(postgresql: Database) -> None:
    """A pooled connection that the server closed is not handed out again."""
    with postgresql.read() as connection:
        pid = connection.scalar(text("SELECT pg_backend_pid()"))
    killer = Database(postgresql.url.render_as_string(hide_password=False))
    with killer.write() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    killer.close()
    postgresql.ping()


def test_a_transaction_that_lost_its_connection_is_done_again(postgresql: Database) -> None:
    """A connection that is cut in the middle of a commit's work costs one more try."""
    tries = 0

    def work(connection: Connection) -> None:
        nonlocal tries
        tries += 1
        add_archive(connection)
        if tries == 1:
            connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    postgresql.commit(work)
    assert tries == 2
    assert count_archives(postgresql) == 1


def test_a_server_that_is_away_is_named_without_its_password() -> None:
    """The error names the server and the setting, never the password."""
    database = Database(NOTHING_LISTENS, patience=0.2)
    with pytest.raises(UnavailableError) as caught:
        database.ping()
    assert "kao:***@127.0.0.1:9/kao does not answer" in str(caught.value)
    assert "KAOLABEL_DATABASE_URL" in str(caught.value)
    assert "hush" not in str(caught.value)


def test_commit_gives_up_when_its_patience_ends() -> None:
    """A server that stays away becomes an UnavailableError, caused by the driver's own."""
    database = Database(NOTHING_LISTENS, patience=0.2)
    with pytest.raises(UnavailableError) as caught:
        database.commit(add_archive)
    assert isinstance(caught.value.__cause__, DBAPIError)
    assert is_transient(caught.value.__cause__)


def test_fetch_reads_again_after_a_lost_connection(postgresql: Database) -> None:
    """A reader whose connection is cut costs one more try, as a writer does."""
    tries = 0

    def work(connection: Connection) -> int:
        nonlocal tries
        tries += 1
        if tries == 1:
            connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return int(connection.execute(text("SELECT count(*) FROM archives")).scalar_one())

    assert postgresql.fetch(work) == 0
    assert tries == 2


def test_patience_ends_at_a_set_time() -> None:
    """However great the patience, a deadline in the past allows one try and no more."""
    tries = 0

    def count() -> None:
        nonlocal tries
        tries += 1

    database = Database(NOTHING_LISTENS)
    late = database.with_patience(math.inf, until=time.monotonic(), told=count)
    with pytest.raises(UnavailableError):
        late.fetch(count_tries)
    assert tries == 0
    assert database.patience == 120.0


def count_tries(_connection: Connection) -> None:
    """Work that nobody gets to do."""


def test_who_waits_is_told_and_may_stop() -> None:
    """Each try that fails is told of, and what the listener raises ends the waiting."""
    told = 0

    def listen() -> None:
        nonlocal told
        told += 1
        if told == 3:
            raise KeyboardInterrupt

    database = Database(NOTHING_LISTENS).with_patience(math.inf, told=listen)
    with pytest.raises(KeyboardInterrupt):
        database.commit(add_archive)
    assert told == 3


def test_a_full_disk_is_told_at_once(sqlite: Database) -> None:
    """No try is repeated where people have to make room first; reading goes on."""
    with sqlite.read() as connection:
        pages = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())

    def fill(connection: Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        for number in range(1000):
            statement = text("INSERT INTO archives (root, display) VALUES (:root, 'x')")
            connection.execute(statement, {"root": bytes(4096) + b"%d" % number})

    with pytest.raises(UnavailableError, match=r"is full; .* make room there") as caught:
        sqlite.commit(fill)
    assert "cannot be used" in str(caught.value)
    assert count_archives(sqlite) == 0


def test_nothing_outlives_a_transaction_behind_a_pooler(postgresql: Database) -> None:
    """No statement is prepared, and no setting, lock or temporary table stays on a connection."""
    statement = text("SELECT count(*) FROM archives")
    for _ in range(8):
        postgresql.commit(lambda connection: connection.scalar(statement))
    with postgresql.write() as connection:
        assert connection.scalar(text("SHOW lock_timeout")) == "1min"
    left = (
        "SELECT (SELECT count(*) FROM pg_prepared_statements),"
        " (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'),"
        " current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout')"
    )
    with postgresql.read() as connection:
        assert tuple(connection.execute(text(left)).one()) == (0, 0, "0", "0")


def test_a_dead_way_to_the_server_is_noticed(postgresql: Database) -> None:
    """The driver takes our limits for silence; what the URL says goes before them."""
    with postgresql.read() as connection:
        driver = cast("psycopg.Connection", connection.connection.driver_connection)
        found = driver.info.get_parameters()
    assert (found["keepalives_idle"], found["tcp_user_timeout"]) == ("20", "50000")
    url = postgresql.url.update_query_dict({"keepalives_idle": "7"})
    own = Database(url.render_as_string(hide_password=False))
    with own.read() as connection:
        driver = cast("psycopg.Connection", connection.connection.driver_connection)
        assert driver.info.get_parameters()["keepalives_idle"] == "7"
    own.close()


def test_settings_print_no_password() -> None:
    """A password in the URL is not in the text of the settings."""
    settings = DatabaseSettings(database_url=SecretStr(NOTHING_LISTENS))
    assert "hush" not in repr(settings)
    assert settings.url == NOTHING_LISTENS


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://root:hush@localhost/kao", "names mysql"),
        ("not a url", "is no database URL"),
        ("sqlite+nosuch:///x.db", "cannot be used"),
    ],
)
def test_urls_that_cannot_be_used_are_refused(url: str, said: str) -> None:
    """Databases other than SQLite and PostgreSQL are refused in one line without the password."""
    with pytest.raises(UsageError, match=said) as caught:
        Database(url)
    assert "hush" not in str(caught.value)


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    """A file of something else where the SQLite database should be is told in one line."""
    (tmp_path / "kaolabel.db").write_bytes(b"something else" * 100)
    with pytest.raises(UnavailableError, match="not a database"):
        open_database(DatabaseSettings(home=tmp_path))


@pytest.mark.parametrize("name", ["with space", "100%", "a%20b", "a#b", "a?b", "画像"])
def test_odd_home_folders_work(tmp_path: Path, name: str) -> None:
    """The SQLite file lies in the home folder, whatever characters its path has."""
    database = open_database(DatabaseSettings(home=tmp_path / name))
    with database.write() as connection:
        connection.execute(text("CREATE TABLE t (x INTEGER)"))
    database.close()
    assert (tmp_path / name / "kaolabel.db").stat().st_size > 0
