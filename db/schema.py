"""The schema's revision: made in an empty database, checked in any other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from db.engine import open_database
from db.errors import UsageError

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

    from db.engine import Database
    from db.settings import DatabaseSettings

MIGRATIONS = Path(__file__).parent / "migrations"

# Any number will do as long as nothing else in the database takes the same advisory lock.
_LOCK_KEY = 7_401_201


def connect(settings: DatabaseSettings) -> Database:
    """The database of `settings`, at the newest revision; an empty one is set up.

    Raises:
        UsageError: when the database is of another revision; says what to run.
        UnavailableError: when it does not answer.
    """
    database = open_database(settings)
    try:
        if revision(database) != head():
            with database.migration() as connection:
                _prepare(connection)
    except BaseException:
        database.close()
        raise
    return database


def upgrade(database: Database, target: str = "head") -> None:
    """Bring the schema up to `target`; does nothing where it is there already."""
    from alembic import command

    with database.migration() as connection:
        _lock(connection)
        command.upgrade(_config(connection), target)


def downgrade(database: Database, target: str) -> None:
    """Take the schema back to `target`."""
    from alembic import command

    with database.migration() as connection:
        _lock(connection)
        command.downgrade(_config(connection), target)


def revision(database: Database) -> str | None:
    """The revision that the database is at; None for one without kaolabel's tables."""
    with database.read() as connection:
        return _current(connection)


def head() -> str:
    """The newest revision that this kaolabel knows: revisions are numbered, and files named so."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def _current(connection: Connection) -> str | None:
    # Alembic would tell the same, but its import takes longer than most commands take.
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def _prepare(connection: Connection) -> None:
    _lock(connection)
    # Read again under the lock: another process may have set the database up meanwhile.
    current = _current(connection)
    if current == head():
        return
    if current is None and not inspect(connection).get_table_names():
        from alembic import command

        command.upgrade(_config(connection), "head")
        return
    if current is None:
        raise UsageError("the database holds other tables; give kaolabel a database of its own")
    raise UsageError(
        f"the database is at revision {current}, this kaolabel needs {head()}: "
        "run `kaolabel db upgrade`, or use the kaolabel that wrote it"
    )


def _lock(connection: Connection) -> None:
    # On SQLite, BEGIN IMMEDIATE has locked the file already.
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
