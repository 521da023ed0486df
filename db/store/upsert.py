"""Inserting what may be there already, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection

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
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(insert(table).on_conflict_do_nothing(), ordered)


def chunks(items: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """Consecutive slices of at most `size` items."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
