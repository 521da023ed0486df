"""What `kaolabel status` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table

from db.records import RunState
from db.store import models, runs

if TYPE_CHECKING:
    from rich.console import RenderableType
    from sqlalchemy import Connection

    from db.engine import Database
    from db.records import RunRecord


def collect(database: Database) -> dict[str, Any]:
    """Unfinished runs, the newest run, and the active model."""
    with database.read() as connection:
        open_runs = runs.every(connection, state=(RunState.ACTIVE, RunState.STOPPED))
        newest = runs.latest(connection)
        if newest is not None and newest.id not in {run.id for run in open_runs}:
            open_runs.append(newest)
        active = models.active(connection)
        described = [_describe(connection, run) for run in open_runs]
    return {
        "database": database.display,
        "active_model": None if active is None else active.id,
        "runs": sorted(described, key=lambda run: int(run["run"])),
    }


def render(found: dict[str, Any]) -> RenderableType:
    """The status as a table for people."""
    table = Table("run", "archive", "state", "done", "listed", "jobs open", "why")
    for run in found["runs"]:
        columns = ("run", "archive", "state", "done", "listed", "jobs_open", "reason")
        table.add_row(*(str(run[column] if run[column] is not None else "") for column in columns))
    model = found["active_model"]
    serving = f"version {model}" if model else "none; train one with `kaolabel train DIR`"
    return Group(f"database  {found['database']}", f"model     {serving}", table)


def _describe(connection: Connection, run: RunRecord) -> dict[str, Any]:
    progress = runs.progress(connection, run.id)
    return {
        "run": run.id,
        "archive": runs.display(run.root),
        "state": str(run.state),
        "reason": run.reason,
        "done": progress.done,
        "listed": progress.listed,
        "jobs_open": progress.jobs_open,
        "jobs_in_flight": progress.jobs_in_flight,
    }
