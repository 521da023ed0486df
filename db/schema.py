"""The schema's revision: made in an empty database, checked in any other."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a database stands.

    Revisions are numbers of four digits, so that their order is that of the texts.

    Attributes:
        revision: the one that it is at; None without kaolabel's tables.
        oldest: the oldest revision whose programs may go on with it; None as above.
        needed: the newest revision that this kaolabel knows.
    """

    revision: str | None
    oldest: str | None
    needed: str

    @property
    def fits(self) -> bool:
        """Whether this kaolabel may work with the database as it is."""
        if self.revision is None or self.oldest is None:
            return False
        return self.revision == self.needed or self.oldest <= self.needed < self.revision

    @property
    def complaint(self) -> str:
        """Why it does not fit, and which side to upgrade."""
        if self.revision is None:
            return "the database has no tables yet: run `kaolabel db upgrade`"
        if self.revision > self.needed:
            return (
                f"the database is at revision {self.revision}, whose programs must know revision"
                f" {self.oldest}, and this kaolabel knows {self.needed}: upgrade kaolabel here"
            )
        return (
            f"the database is at revision {self.revision}, this kaolabel needs {self.needed}:"
            " run `kaolabel db upgrade`, or use the kaolabel that wrote it"
        )


def connect(settings: DatabaseSettings) -> Database:
    """The database of `settings`, at a revision that fits this kaolabel; an empty one is set up.

    One that a newer kaolabel has upgraded fits for as long as that says so: while an upgrade rolls
    over many hosts, workers of the release before go on, and may start again.

    Raises:
        UsageError: when the database is of another revision; says which side to upgrade.
        UnavailableError: when it does not answer.
    """
    database = open_database(settings)
    try:
        # Nearly always it is, and then nothing else has to be asked.
        if revision(database) != head() and not standing(database).fits:
            with database.migration() as connection:
                _prepare(connection)
    except BaseException:
        database.close()
        raise
    return database


def upgrade(database: Database, target: str = "head") -> None:
    """Bring the schema up to `target`; does nothing where it is there already, or beyond.

    Raises:
        UsageError: when the database is beyond what this kaolabel knows, and does not fit it.
    """
    from alembic import command

    with database.migration() as connection:
        _lock(connection)
        found = _standing(connection)
        if found.revision is None or found.revision <= found.needed:
            command.upgrade(_config(connection), target)
        elif not found.fits:
            raise UsageError(found.complaint)


def downgrade(database: Database, target: str) -> None:
    """Take the schema back to `target`."""
    from alembic import command

    with database.migration() as connection:
        _lock(connection)
        command.downgrade(_config(connection), target)


def standing(database: Database) -> Standing:
    """Where the database stands."""
    with database.read() as connection:
        return _standing(connection)


def revision(database: Database) -> str | None:
    """The revision that the database is at; None for one without kaolabel's tables."""
    with database.read() as connection:
        return _current(connection)


def head() -> str:
    """The newest revision that this kaolabel knows: revisions are numbered, and files named so."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def _current(connection: Connection) -> str | None:
    # Alembic would tell the same, but its import takes longer than most commands take.
    return _value(connection, "alembic_version", "version_num")


def _standing(connection: Connection) -> Standing:
    found = _current(connection)
    # Before there was such a table, programs and databases had to be of the very same revision.
    oldest = _value(connection, "compatibility", "oldest") or found
    return Standing(found, oldest, head())


def _value(connection: Connection, table: str, column: str) -> str | None:
    """What the one row of a table says; None where there is no such table, or row."""
    if not inspect(connection).has_table(table):
        return None
    query = f"SELECT {column} FROM {table}"  # noqa: S608  # fixed names
    found: str | None = connection.scalar(text(query))
    return found


def _prepare(connection: Connection) -> None:
    _lock(connection)
    # Read again under the lock: another process may have set the database up meanwhile.
    found = _standing(connection)
    if found.fits:
        return
    if found.revision is not None:
        raise UsageError(found.complaint)
    if inspect(connection).get_table_names():
        raise UsageError("the database holds other tables; give kaolabel a database of its own")
    from alembic import command

    command.upgrade(_config(connection), "head")


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
