"""What a change of the schema takes away from programs that were written before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect
from sqlalchemy.engine.reflection import ObjectKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection
    from sqlalchemy.engine import Inspector


@dataclass(frozen=True, slots=True)
class Shape:
    """A schema as programs meet it.

    Attributes:
        columns: type, whether it may be empty, and whether the database fills it in, by table or
            view and name.
        unique: the columns that are unique together, by table; an upsert needs them to be.
        rules: foreign keys and checks, by table.
    """

    columns: dict[tuple[str, str], tuple[str, bool, bool]]
    unique: frozenset[tuple[str, tuple[str, ...], str]]
    rules: frozenset[tuple[str, str]]


def shape(connection: Connection) -> Shape:
    """The schema of a database as it is."""
    found = inspect(connection)
    columns = found.get_multi_columns(kind=ObjectKind.ANY)
    return Shape(
        columns={
            (table, column["name"]): _column(column)
            for (_, table), every in columns.items()
            for column in every
        },
        unique=frozenset(_unique(found)),
        rules=frozenset(_rules(found)),
    )


def breaks(before: Shape, after: Shape) -> list[str]:
    """What programs that know the schema before cannot do any more with the one after."""
    old = {table for table, _ in before.columns}
    return [*_gone(before, after), *_unfilled(before, after, old), *_stricter(before, after, old)]


def _gone(before: Shape, after: Shape) -> Iterator[str]:
    for (table, column), (kind, _, filled) in before.columns.items():
        now = after.columns.get((table, column))
        if now is None:
            yield f"{table}.{column} is gone"
        elif now[0] != kind:
            yield f"{table}.{column} was {kind}, and is {now[0]}"
        elif filled and not now[1] and not now[2]:
            yield f"{table}.{column} is not filled in any more"
    for table, columns, condition in before.unique - after.unique:
        yield f"{table} ({', '.join(columns)}) is not unique any more {condition}".rstrip()


def _unfilled(before: Shape, after: Shape, old: set[str]) -> Iterator[str]:
    for (table, column), (_, empty, filled) in after.columns.items():
        was = before.columns.get((table, column))
        if table not in old or empty or filled:
            continue
        if was is None or was[1]:
            yield f"{table}.{column} may not be empty, and nothing fills it in"


def _stricter(before: Shape, after: Shape, old: set[str]) -> Iterator[str]:
    for table, columns, condition in after.unique - before.unique:
        if table in old:
            yield f"{table} ({', '.join(columns)}) must be unique {condition}".rstrip()
    for table, rule in after.rules - before.rules:
        if table in old:
            yield f"{table} must obey {rule}"


def _column(column: Any) -> tuple[str, bool, bool]:
    filled = column.get("default") is not None or column.get("autoincrement") is True
    return str(column["type"]), bool(column["nullable"]), filled


def _unique(found: Inspector) -> Iterator[tuple[str, tuple[str, ...], str]]:
    for (_, table), key in found.get_multi_pk_constraint().items():
        yield table, tuple(sorted(key["constrained_columns"])), ""
    for (_, table), constraints in found.get_multi_unique_constraints().items():
        for constraint in constraints:
            yield table, tuple(sorted(constraint["column_names"])), ""
    for (_, table), indexes in found.get_multi_indexes().items():
        for index in indexes:
            if index["unique"]:
                names = sorted(name or "" for name in index["column_names"])
                yield table, tuple(names), _condition(index)


def _condition(index: Any) -> str:
    options = index.get("dialect_options", {})
    return next((f"where {value}" for name, value in options.items() if "_where" in name), "")


def _rules(found: Inspector) -> Iterator[tuple[str, str]]:
    for (_, table), keys in found.get_multi_foreign_keys().items():
        for key in keys:
            mine, theirs = ", ".join(key["constrained_columns"]), ", ".join(key["referred_columns"])
            yield table, f"{mine} in {key['referred_table']} ({theirs})"
    for (_, table), checks in found.get_multi_check_constraints().items():
        for check in checks:
            yield table, str(check["sqltext"])
