"""Inserting what may be there already, and many rows at once, on SQLite and PostgreSQL.

PostgreSQL plans every statement anew, which takes it longer than to write a row: many rows go to it
in one statement. SQLite is quickest with one statement that is carried out for each row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import ARRAY, bindparam, column, func, literal_column, update
from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, TableValuedAlias

    from db.tables import Table

T = TypeVar("T")

# Below SQLite's limit of 32,766 bound values, and small enough to be planned quickly.
CHUNK = 500


def insert_missing(
    connection: Connection,
    table: type[Table],
    rows: Sequence[Mapping[str, Any]],
    *,
    key: tuple[str, ...],
) -> None:
    """Insert the rows whose natural key is not there yet; the others stay as they are.

    Rows go in sorted by `key` and once each: PostgreSQL deadlocks when two transactions insert
    the same keys in different order.
    """
    unique = {tuple(row[column] for column in key): row for row in rows}
    ordered = [unique[value] for value in sorted(unique)]
    if not ordered:
        return
    if _is_postgresql(connection):
        missing = postgresql.insert(table).on_conflict_do_nothing()
        # SQLAlchemy makes one statement of many rows where something is to come back.
        connection.execute(missing.returning(literal_column("1")), ordered)
    else:
        connection.execute(sqlite.insert(table).on_conflict_do_nothing(), ordered)


def update_rows(
    connection: Connection,
    table: type[Table],
    rows: Sequence[Mapping[str, Any]],
    *where: ColumnElement[bool],
    **values: Any,
) -> None:
    """Update rows by their ids, each to values of its own.

    Args:
        connection: in a transaction that may write.
        table: whose primary key is `id`.
        rows: each with the id as `key`, and all with the same columns; each id once.
        where: what else must hold of a row.
        values: what all of the rows get.
    """
    if not rows:
        return
    columns = table.__table__.columns
    names = [name for name in rows[0] if name != "key"]
    if _is_postgresql(connection):
        given = _given(table, rows)
        own = {name: given.columns[name] for name in names}
        found = columns["id"] == given.columns["key"]
        connection.execute(update(table).where(found, *where).values(**own, **values))
        return
    each: dict[str, Any] = {name: bindparam(name) for name in names}
    found = columns["id"] == bindparam("key")
    connection.execute(update(table).where(found, *where).values(**each, **values), rows)


def chunks(items: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """Consecutive slices of at most `size` items."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _given(table: type[Table], rows: Sequence[Mapping[str, Any]]) -> TableValuedAlias:
    """The rows as a table of a statement: an array a column, however many rows there are."""
    columns = table.__table__.columns
    kinds = {name: columns["id" if name == "key" else name].type for name in rows[0]}
    arrays = [
        bindparam(None, [row[name] for row in rows], type_=ARRAY(kind))
        for name, kind in kinds.items()
    ]
    named = [column(name, kind) for name, kind in kinds.items()]
    return func.unnest(*arrays).table_valued(*named, name="given").render_derived()


def _is_postgresql(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"
