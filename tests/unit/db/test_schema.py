"""The schema: set up where it is empty, checked everywhere else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from pydantic import SecretStr
from sqlalchemy import inspect, text

from db import schema
from db.engine import Database
from db.errors import UsageError
from db.settings import DatabaseSettings
from db.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]

CONNECT = """
from db import schema
from db.settings import DatabaseSettings
schema.connect(DatabaseSettings()).close()
"""


@pytest.fixture
def empty(empty_url: str) -> Iterator[Database]:
    """A database without tables."""
    database = Database(empty_url)
    yield database
    database.close()


@pytest.fixture
def settings(home: Path, empty_url: str) -> DatabaseSettings:
    """Settings that name a database without tables."""
    return DatabaseSettings(home=home, database_url=SecretStr(empty_url))


def test_an_empty_database_is_set_up(settings: DatabaseSettings) -> None:
    """The first command of all needs no set-up by hand."""
    database = schema.connect(settings)
    assert schema.revision(database) == schema.head()
    assert set(tables(database)) > {"archives", "images", "faces", "predictions"}
    database.close()


def test_a_database_that_is_set_up_stays_as_it_is(settings: DatabaseSettings) -> None:
    """A second connect finds the rows of the first."""
    database = schema.connect(settings)
    with database.write() as connection:
        connection.execute(text("INSERT INTO archives (root, display) VALUES ('', 'x')"))
    database.close()
    again = schema.connect(settings)
    with again.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM archives")) == 1
    again.close()


def test_sqlite_in_the_home_folder_is_the_default(home: Path) -> None:
    """Without a URL the database is a file in the home folder."""
    schema.connect(DatabaseSettings(home=home)).close()
    assert (home / "kaolabel.db").is_file()


def test_a_foreign_database_is_refused(empty: Database, settings: DatabaseSettings) -> None:
    """Tables of somebody else are left alone."""
    with empty.write() as connection:
        connection.execute(text("CREATE TABLE invoices (id INTEGER)"))
    with pytest.raises(UsageError, match="give kaolabel a database of its own"):
        schema.connect(settings)
    assert tables(empty) == ["invoices"]


def test_a_newer_database_is_refused(empty: Database, settings: DatabaseSettings) -> None:
    """One that wants newer programs is not touched, and the line says which side to upgrade."""
    schema.upgrade(empty)
    _pretend(empty, revision="9999", oldest="9998")
    for attempt in (lambda: schema.connect(settings), lambda: schema.upgrade(empty)):
        with pytest.raises(
            UsageError, match=r"is at revision 9999.* 9998.*: upgrade kaolabel here"
        ):
            attempt()
    assert schema.revision(empty) == "9999"


def test_a_newer_database_may_let_this_kaolabel_go_on(
    empty: Database, settings: DatabaseSettings
) -> None:
    """While an upgrade rolls over the hosts, programs of the release before start as ever."""
    schema.upgrade(empty)
    _pretend(empty, revision="9999", oldest=schema.head())
    schema.connect(settings).close()
    schema.upgrade(empty)
    assert schema.standing(empty) == schema.Standing("9999", schema.head(), schema.head())


def test_an_older_database_is_refused(empty: Database, settings: DatabaseSettings) -> None:
    """One from before there was a word on who may go on wants `kaolabel db upgrade`."""
    schema.upgrade(empty, "0004")
    assert schema.standing(empty) == schema.Standing("0004", "0004", schema.head())
    with pytest.raises(UsageError, match=r"is at revision 0004.*run `kaolabel db upgrade`"):
        schema.connect(settings)
    assert schema.revision(empty) == "0004"


def test_migrations_go_up_and_down(empty: Database) -> None:
    """Every revision can be taken back, and leaves nothing but Alembic's own table."""
    schema.upgrade(empty)
    schema.downgrade(empty, "base")
    assert schema.revision(empty) is None
    assert tables(empty) == ["alembic_version"]
    schema.upgrade(empty)
    assert schema.revision(empty) == schema.head()


def test_the_newest_revision_is_alembics_head() -> None:
    """The names of the files tell the same as their contents, which nobody reads at every start."""
    assert schema.head() == ScriptDirectory(str(schema.MIGRATIONS)).get_current_head()


def test_upgrading_twice_does_nothing(empty: Database) -> None:
    """An upgrade of a database that is there already changes nothing."""
    schema.upgrade(empty)
    schema.upgrade(empty)
    assert schema.revision(empty) == schema.head()


def test_migrations_make_the_tables_that_the_code_expects(database: Database) -> None:
    """The history of revisions and the table classes describe the same schema."""
    with database.read() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Table.metadata) == []


def test_many_processes_set_up_one_database(home: Path, empty_url: str) -> None:
    """Workers that start together on an empty database all find it ready."""
    environment = {"KAOLABEL_HOME": str(home), "KAOLABEL_DATABASE_URL": empty_url}
    processes = [
        subprocess.Popen([sys.executable, "-c", CONNECT], env=environment, cwd=ROOT)
        for _ in range(4)
    ]
    assert [process.wait(60) for process in processes] == [0] * 4
    database = Database(empty_url)
    assert schema.revision(database) == schema.head()
    database.close()


def _pretend(database: Database, *, revision: str, oldest: str) -> None:
    """What a newer kaolabel would have left."""
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": revision})
        connection.execute(text("UPDATE compatibility SET oldest = :to"), {"to": oldest})


def tables(database: Database) -> list[str]:
    """The names of the tables."""
    with database.read() as connection:
        return inspect(connection).get_table_names()


def test_an_upgrade_keeps_every_row(empty: Database) -> None:
    """Tables that SQLite can only change by copying them keep what refers to their rows."""
    schema.upgrade(empty, "0001")
    with empty.write() as connection:
        connection.execute(text("INSERT INTO archives (root, display) VALUES ('', 'x')"))
        connection.execute(text(_OLD_RUN))
        connection.execute(text(_OLD_IMAGE))
    schema.upgrade(empty)
    with empty.read() as connection:
        found = connection.execute(
            text("SELECT runs.kind, images.display FROM images JOIN runs ON runs.id = run_id")
        ).all()
    assert found == [("label", "y")]
    schema.downgrade(empty, "0001")
    with empty.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM images")) == 1


def test_the_newest_columns_may_be_empty(empty: Database) -> None:
    """Rows written before 0003, and by workers that started before it, stand beside new ones."""
    schema.upgrade(empty, "0002")
    _write_as_before_0003(empty, b"before")
    schema.upgrade(empty, "0003")
    _write_as_before_0003(empty, b"after")
    with empty.write() as connection:
        connection.execute(text("UPDATE detections SET decoder = 'd' WHERE content_id = 2"))
        connection.execute(text("UPDATE runs SET holder = 'host:1' WHERE id = 2"))
    assert rows(empty, "SELECT decoder FROM detections ORDER BY id") == [(None,), ("d",)]
    assert rows(empty, "SELECT holder FROM runs ORDER BY id") == [(None,), ("host:1",)]


def test_going_down_from_the_newest_columns_keeps_every_row(empty: Database) -> None:
    """What 0003 added goes, and nothing else; what refers to those rows holds."""
    schema.upgrade(empty, "0003")
    _write_as_before_0003(empty, b"x")
    schema.downgrade(empty, "0002")
    assert rows(empty, "SELECT outcome, detail FROM detections") == [("unreadable", "y")]
    assert rows(empty, "SELECT chain_id, kind FROM runs") == [("chain", "label")]
    _write_as_before_0003(empty, b"z")
    schema.upgrade(empty, "0003")
    assert len(rows(empty, "SELECT id FROM detections WHERE decoder IS NULL")) == 2


def rows(database: Database, query: str) -> list[tuple[object, ...]]:
    """What a query gives."""
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def _write_as_before_0003(database: Database, name: bytes) -> None:
    """A run and a detection, as a kaolabel of revision 0002 writes them."""
    values = {"name": name, "display": name.decode()}
    with database.write() as connection:
        archive = "INSERT INTO archives (root, display) VALUES (:name, :display) RETURNING id"
        values["archive"] = connection.scalar(text(archive), values)
        connection.execute(text(_OLD_RUN.replace("VALUES (1", "VALUES (:archive")), values)
        content = "INSERT INTO contents (sha256, size) VALUES (:name, 1) RETURNING id"
        values["content"] = connection.scalar(text(content), values)
        connection.execute(text(_OLD_DETECTION), values)


_OLD_RUN = """
INSERT INTO runs (archive_id, chain_id, detect_only, state, walked, listed, skipped, started_at,
                  heartbeat_at)
VALUES (1, 'chain', '0', 'finished', '1', 1, 0, 0, 0)
"""
_OLD_IMAGE = """
INSERT INTO images (archive_id, path, display, size, mtime_ns, run_id, due)
VALUES (1, '', 'y', 1, 1, 1, '0')
"""
_OLD_DETECTION = """
INSERT INTO detections (content_id, chain_id, outcome, reason, detail)
VALUES (:content, 'chain', 'unreadable', 'damaged', 'y')
"""
