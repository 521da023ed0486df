"""The engine: one database, read and written in transactions that behave the same on both kinds."""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from db.errors import UnavailableError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import URL, Engine

    from db.settings import DatabaseSettings

T = TypeVar("T")

# How long SQLite waits for another writer, in milliseconds.
BUSY_TIMEOUT_MS = 30_000


class Database:
    """A SQLite or PostgreSQL database; cheap to make, connects on first use.

    Args:
        url: a SQLAlchemy URL; `postgresql://` means psycopg.
        patience: seconds for which `commit` rides out a database that does not answer.
        foreign_keys: whether SQLite holds rows to what they refer to.
    """

    def __init__(self, url: str, *, patience: float = 120.0, foreign_keys: bool = True) -> None:
        self.url = _parse(url)
        self.patience = patience
        self.engine = _engine(self.url, foreign_keys=foreign_keys)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection in a transaction for reading."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection in a transaction that may write; committed unless the block raises."""
        options = {"kaolabel_write": True}
        with self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    @contextmanager
    def migration(self) -> Iterator[Connection]:
        """A connection in a transaction that may change tables; all keys hold at its end.

        SQLite changes a table by copying it, and would take dropping the old one for deleting
        every row that others refer to: https://www.sqlite.org/lang_altertable.html, section 7.
        """
        if not self.is_sqlite:
            with self.write() as connection:
                yield connection
            return
        url = self.url.render_as_string(hide_password=False)
        unbound = Database(url, patience=self.patience, foreign_keys=False)
        try:
            with unbound.write() as connection:
                yield connection
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
                if broken is not None:
                    raise RuntimeError(f"a row of {broken[0]} lacks its row in {broken[2]}")
        finally:
            unbound.close()

    def commit(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a writing transaction, again and again while the database is away.

        `work` must be idempotent: after a lost connection nobody knows whether it was committed.

        Raises:
            UnavailableError: when the database stays away for longer than the patience.
        """
        deadline = time.monotonic() + self.patience
        pause = 0.05
        while True:
            try:
                with self.write() as connection:
                    return work(connection)
            except DBAPIError as error:
                if not is_transient(error):
                    raise
                if time.monotonic() + pause > deadline:
                    raise self.unavailable(error) from error
            # Jitter keeps workers that were cut off together from coming back together.
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  # no secret
            pause = min(pause * 2, 5.0)

    def ping(self) -> None:
        """Prove that the database answers.

        Raises:
            UnavailableError: with the masked URL and the driver's reason.
        """
        try:
            with self.read() as connection:
                connection.execute(text("SELECT 1"))
        except DBAPIError as error:
            raise self.unavailable(error) from error

    def unavailable(self, error: DBAPIError) -> UnavailableError:
        """The error to raise when the database does not answer; it names no secret."""
        reason = str(error.orig).strip().splitlines()[0]
        return UnavailableError(
            f"the database {self.display} does not answer: {reason}; "
            "start it, or set KAOLABEL_DATABASE_URL"
        )

    @property
    def display(self) -> str:
        """The URL with its password masked."""
        return self.url.render_as_string(hide_password=True)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is a SQLite file."""
        return self.url.get_backend_name() == "sqlite"

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def open_database(settings: DatabaseSettings) -> Database:
    """The database of `settings`, proven to answer, with its home folder made.

    Raises:
        UsageError: for a URL or home folder that cannot be used.
        UnavailableError: when the database does not answer.
    """
    make_home(settings.home)
    database = lazy_database(settings)
    database.ping()
    return database


def lazy_database(settings: DatabaseSettings) -> Database:
    """The database of `settings`, which connects on first use."""
    return Database(settings.url, patience=settings.database_patience)


def make_home(home: Path) -> Path:
    """Create the home folder, private to the user.

    Raises:
        UsageError: when it cannot be created or is a file.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"KAOLABEL_HOME {home} cannot be used: {error.strerror}; "
            "set it to a folder that this user may write"
        ) from error
    return home


def is_transient(error: DBAPIError) -> bool:
    """Whether the same transaction may succeed when it is tried again.

    True for lost connections, a locked SQLite file, deadlocks and serialization failures.
    """
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        # 08 connection, 40 rollback, 53 resources, 57 operator intervention: PostgreSQL, app. A.
        return str(state)[:2] in {"08", "40", "53", "57"}
    if error.connection_invalidated:
        return True
    reason = str(error.orig)
    if "locked" in reason or "busy" in reason:
        return True
    # psycopg has no SQLSTATE for a server that cannot be reached at all.
    return isinstance(error, OperationalError) and "psycopg" in type(error.orig).__module__


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # Neither quoted nor chained: what stands in the port's place may be a piece of a password.
        raise UsageError(
            "KAOLABEL_DATABASE_URL is no database URL: write postgresql://USER:PASSWORD@HOST:PORT/NAME,"
            " with special characters of the password as %XX, or sqlite:////PATH"
        ) from None
    if parsed.drivername in {"postgresql", "postgres"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise UsageError(
            f"KAOLABEL_DATABASE_URL names {parsed.drivername}; "
            "kaolabel keeps its data in sqlite or postgresql"
        )
    return parsed


def _engine(url: URL, *, foreign_keys: bool) -> Engine:
    arguments: dict[str, Any] = {}
    if url.get_backend_name() == "postgresql":
        arguments["connect_timeout"] = 10
    try:
        engine = create_engine(url, pool_pre_ping=True, connect_args=arguments)
    except (ArgumentError, NoSuchModuleError) as error:
        raise UsageError(f"KAOLABEL_DATABASE_URL cannot be used: {error}") from error
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", partial(_set_pragmas, foreign_keys=foreign_keys))
        event.listen(engine, "begin", _begin)
    return engine


def _set_pragmas(connection: Any, _record: Any, *, foreign_keys: bool) -> None:
    # The driver's own BEGIN is deferred and would fail at once, not wait, when a reader of an
    # old snapshot writes; with isolation_level None the begin event below decides.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = NORMAL",
        f"foreign_keys = {'ON' if foreign_keys else 'OFF'}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("kaolabel_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
