"""Real outages of one database, while the server and the databases of other tests go on."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import psycopg
from psycopg import sql

from db.engine import Database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

T = TypeVar("T")

_CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"


class Outage:
    """Takes a PostgreSQL database away from everybody, and gives it back.

    Args:
        database: which.
    """

    def __init__(self, database: Database) -> None:
        self._name = str(database.url.database)
        elsewhere = database.url.set(drivername="postgresql", database="postgres")
        self._url = elsewhere.render_as_string(hide_password=False)

    def begin(self) -> None:
        """Cut every connection, and let nobody in."""
        self._allow(allow=False)
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(_CUT, [self._name])

    def end(self) -> None:
        """Let everybody in again."""
        self._allow(allow=True)

    def cut(self) -> None:
        """Cut every connection; new ones are let in."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(_CUT, [self._name])

    def _allow(self, *, allow: bool) -> None:
        statement = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(statement.format(sql.Identifier(self._name), sql.Literal(allow)))


@contextmanager
def outage_of(database: Database) -> Iterator[Outage]:
    """An outage that a test may begin; it has ended after the block."""
    outage = Outage(database)
    try:
        yield outage
    finally:
        outage.end()


class Twice(Database):
    """Does all work a second time, as after a commit that was done and not answered."""

    def commit(self, work: Callable[[Connection], T]) -> T:
        """What the second try gives."""
        super().commit(work)
        return super().commit(work)
