"""What `kaolabel models log` shows: everything that was ever live, and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.table import Table

from db.store import models

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from db.engine import Database
    from db.store.models import ActivationRecord


def collect(database: Database) -> list[dict[str, Any]]:
    """All activations and rollbacks, oldest first."""
    with database.read() as connection:
        return [describe(line) for line in models.log(connection)]


def describe(line: ActivationRecord) -> dict[str, Any]:
    """A line of the log as a program reads it."""
    return {
        "version": line.version_id,
        "at": minute(line.at),
        "rollback": line.rollback,
        "why": line.why,
    }


def render(log: Sequence[dict[str, Any]]) -> RenderableType:
    """The log as a table for people, newest first."""
    if not log:
        return "Nothing was live yet."
    table = Table("since", "version", "", "why")
    for line in reversed(log):
        step = "rollback" if line["rollback"] else "activation"
        table.add_row(line["at"], str(line["version"]), step, line["why"])
    return table


def minute(at: float) -> str:
    """A time in seconds since the epoch as people read it, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")
