"""Many rows at once, by the shortest way that each database's driver has.

SQLAlchemy's rows, the text form of PostgreSQL's results and inserts of single rows take up to twice
as long, which a pass over a million faces feels.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError, OperationalError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from db.tables import Table

# PostgreSQL's code for a key that is there already.
_UNIQUE_VIOLATION = "23505"


def insert_rows(
    connection: Connection, table: type[Table], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows whose key is not there yet; the others stay as they are.

    Args:
        connection: in a transaction that may write.
        table: where to.
        rows: a value for every column, in the table's order; sorted by key, each key once.

    Raises:
        DBAPIError: as from any statement.
    """
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        _copy(connection, table, rows)
        return
    values = ", ".join("?" * len(rows[0]))
    statement = f"INSERT INTO {table.__tablename__} VALUES ({values}) ON CONFLICT DO NOTHING"  # noqa: S608  # our own table
    connection.exec_driver_sql(statement, list(rows))


def read_rows(connection: Connection, statement: str, *values: int) -> list[tuple[Any, ...]]:
    """All rows of a query.

    Args:
        connection: in a transaction.
        statement: SQL that both databases understand, with `?` for each of the values.
        values: numbers.

    Raises:
        DBAPIError: as from any statement.
    """
    rows: list[tuple[Any, ...]]
    with _driver_errors(connection, statement):
        if connection.dialect.name == "postgresql":
            with _driver(connection).cursor(binary=True) as cursor:
                rows = cursor.execute(statement.replace("?", "%s"), values).fetchall()
        else:
            rows = _driver(connection).execute(statement, values).fetchall()
    return rows


def _copy(connection: Connection, table: type[Table], rows: Sequence[tuple[Any, ...]]) -> None:
    """Copy rows into a table; where one is there already, again by a detour."""
    try:
        with connection.begin_nested():
            _copy_into(connection, table.__tablename__, rows)
    except DBAPIError as error:
        # COPY knows no ON CONFLICT, and another job may have stored some of the rows meanwhile.
        if getattr(error.orig, "sqlstate", None) != _UNIQUE_VIOLATION:
            raise
        _copy_missing(connection, table.__tablename__, rows)


def _copy_missing(connection: Connection, name: str, rows: Sequence[tuple[Any, ...]]) -> None:
    arriving = f"arriving_{name}"
    connection.exec_driver_sql(
        # Gone with the transaction: behind a pooler, the next one may be somebody else's.
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {arriving} (LIKE {name}) ON COMMIT DROP"
    )
    _copy_into(connection, arriving, rows)
    insert = f"INSERT INTO {name} SELECT * FROM {arriving} ON CONFLICT DO NOTHING"  # noqa: S608  # our own table
    connection.exec_driver_sql(insert)


def _copy_into(connection: Connection, name: str, rows: Sequence[tuple[Any, ...]]) -> None:
    statement = f"COPY {name} FROM STDIN"
    with (
        _driver_errors(connection, statement),
        _driver(connection).cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        for row in rows:
            copy.write_row(row)


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


@contextmanager
def _driver_errors(connection: Connection, statement: str) -> Iterator[None]:
    """Raise the driver's errors as SQLAlchemy does, as it does not see them here."""
    driver = connection.dialect.loaded_dbapi
    try:
        yield
    except driver.Error as error:
        kind = OperationalError if isinstance(error, driver.OperationalError) else DBAPIError
        raise kind(statement, None, error) from error
