"""The engine: one database, read and written in transactions that behave the same on both kinds."""

from __future__ import annotations

import copy
import math
import random
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db.connecting import WRITE_WAIT, make_engine, parse, shown
from db.errors import UnavailableError, UsageError
from db.home import make_home
from db.outage import is_transient, reason, remedy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from typing import Self

    from sqlalchemy import Connection

    from db.settings import DatabaseSettings

T = TypeVar("T")

# Seconds for which a writer waits for the other writers of a SQLite file.
_WAIT = 30.0


# What a database says that its text is; SQLite knows two ways to write the same.
_ENCODING = {"sqlite": "PRAGMA encoding", "postgresql": "SHOW server_encoding"}
_UNICODE = {"UTF8", "UTF-8", "UTF-16le", "UTF-16be"}


class Database:
    """A SQLite or PostgreSQL database; cheap to make, connects on first use.

    Args:
        url: a SQLAlchemy URL; `postgresql://` means psycopg.
        patience: seconds for which `commit` and `fetch` ride out a database that does not answer.
        foreign_keys: whether SQLite holds rows to what they refer to.

    Attributes:
        until: when patience ends in any case, by the monotonic clock.
        told: is called whenever the database did not answer and is tried again.
        was_away: whether `commit` or `fetch` ever had to try again, or gave up.
    """

    def __init__(self, url: str, *, patience: float = 120.0, foreign_keys: bool = True) -> None:
        self.url = parse(url)
        self.patience = patience
        self.engine = make_engine(self.url, foreign_keys=foreign_keys)
        self.until = math.inf
        self.told: Callable[[], None] = _tell_nobody
        self.was_away = False

    def with_patience(
        self,
        patience: float,
        *,
        until: float = math.inf,
        told: Callable[[], None] | None = None,
    ) -> Self:
        """This database, by the same connections, with another patience.

        Args:
            patience: in seconds; infinite where it is waited for as long as it takes.
            until: see above.
            told: see above.
        """
        other = copy.copy(self)
        other.patience = patience
        other.until = until
        other.told = told or _tell_nobody
        other.was_away = False
        return other

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection in a transaction for reading."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self, *, wait: float = _WAIT) -> Iterator[Connection]:
        """A connection in a transaction that may write; committed unless the block raises.

        Args:
            wait: seconds for which other writers of a SQLite file are waited for.
        """
        options = {WRITE_WAIT: wait}
        with self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    @contextmanager
    def migration(self) -> Iterator[Connection]:
        """A connection in a transaction that may change tables; all keys hold at its end.

        SQLite changes a table by copying it, and would take dropping the old one for deleting
        every row that others refer to: https://www.sqlite.org/lang_altertable.html, section 7.
        """
        if not self.is_sqlite:
            # Not as `write` does it: changing a large table takes longer than any other writer.
            with self.engine.begin() as connection:
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
            UnavailableError: when the database stays away for longer than the patience, or cannot
                be used until somebody mends it.
        """
        return self._insist(partial(self.write, wait=min(_WAIT, self.patience)), work)

    def fetch(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a reading transaction, again and again while the database is away.

        Raises:
            UnavailableError: as from `commit`.
        """
        return self._insist(self.read, work)

    def _insist(
        self,
        transaction: Callable[[], AbstractContextManager[Connection]],
        work: Callable[[Connection], T],
    ) -> T:
        deadline = min(time.monotonic() + self.patience, self.until)
        pause = 0.05
        while True:
            try:
                with transaction() as connection:
                    return work(connection)
            except DBAPIError as error:
                if remedy(error) is not None:
                    raise self.unavailable(error) from error
                if not is_transient(error):
                    raise
                self.was_away = True
                if time.monotonic() + pause > deadline:
                    raise self.unavailable(error) from error
            self.told()
            # Jitter keeps workers that were cut off together from coming back together.
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  # no secret
            pause = min(pause * 2, 5.0)

    def ping(self) -> None:
        """Prove that the database answers, and takes any text.

        Raises:
            UsageError: when it has another encoding.
            UnavailableError: with the masked URL and the driver's reason.
        """
        try:
            with self.read() as connection:
                encoding = connection.scalar(text(_ENCODING[connection.dialect.name]))
        except DBAPIError as error:
            raise self.unavailable(error) from error
        if encoding not in _UNICODE:
            raise UsageError(
                f"the database {self.display} has the encoding {encoding}, which cannot hold every"
                " label: make another one with"
                " `createdb --encoding=UTF8 --template=template0 NAME`"
            )

    def unavailable(self, error: DBAPIError) -> UnavailableError:
        """The error to raise when the database cannot be used; it names no secret."""
        what = remedy(error)
        if what is not None:
            return UnavailableError(
                f"the database {self.display} cannot be used: {reason(error)}; {what}"
            )
        return UnavailableError(
            f"the database {self.display} does not answer: {reason(error)}; "
            "start it, or set KAOLABEL_DATABASE_URL"
        )

    @property
    def display(self) -> str:
        """The URL with its password masked."""
        return shown(self.url)

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


def _tell_nobody() -> None:
    pass
