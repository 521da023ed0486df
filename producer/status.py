"""What `kaolabel status` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import Group
from rich.table import Table

from db.records import RelabelRecord, RunRecord
from db.store import models, relabels, runs, trainings

if TYPE_CHECKING:
    from rich.console import RenderableType
    from sqlalchemy import Connection

    from db.engine import Database
    from db.records import Progress, TrainingRecord

R = TypeVar("R", RunRecord, RelabelRecord)


def collect(database: Database) -> dict[str, Any]:
    """Unfinished runs and relabellings, the newest of each, and the active model."""
    with database.read() as connection:
        labelled = _open_and_newest(
            runs.every(connection, state=runs.UNFINISHED), runs.latest(connection)
        )
        relabelled = _open_and_newest(
            relabels.every(connection, state=runs.UNFINISHED), relabels.latest(connection)
        )
        active = models.active(connection)
        refused = models.refusals(connection)
        trained = trainings.recent(connection)
        described = [
            *(_describe_run(connection, run) for run in labelled),
            *(_describe_relabel(connection, relabel) for relabel in relabelled),
        ]
    return {
        "database": database.display,
        "active_model": None if active is None else active.id,
        "refusals": [{"worker": one.worker, "at": one.at, "reason": one.reason} for one in refused],
        "trainings": [_describe_training(training) for training in trained],
        "runs": sorted(described, key=lambda run: int(run["run"])),
    }


def render(found: dict[str, Any]) -> RenderableType:
    """The status as a table for people."""
    table = Table("run", "kind", "of", "state", "done", "listed", "jobs open", "why")
    for run in found["runs"]:
        subject = run["archive"] or f"all faces, by version {run['version']}"
        columns = ("state", "done", "listed", "jobs_open", "reason")
        shown = (str(run[column] if run[column] is not None else "") for column in columns)
        table.add_row(str(run["run"]), run["kind"], subject, *shown)
    model = found["active_model"]
    serving = f"version {model}" if model else "none; train one with `kaolabel train DIR`"
    return Group(
        f"database  {found['database']}",
        f"model     {serving}",
        *(
            f"          refused by {one['worker']}, where the one before goes on: {one['reason']}"
            for one in found["refusals"]
        ),
        table,
        *_trainings(found["trainings"]),
    )


def _trainings(found: list[dict[str, Any]]) -> list[RenderableType]:
    if not found:
        return []
    table = Table("training", "by", "state", "stage", "done", "of", "version", "what")
    for training in found:
        columns = ("training", "trigger", "state", "stage", "done", "total", "version")
        shown = (str(training[name] if training[name] is not None else "") for name in columns)
        what = training["error"] or training["verdict"] or training["detail"]
        table.add_row(*shown, what)
    return [table]


def _open_and_newest(open_runs: list[R], newest: R | None) -> list[R]:
    found = list(open_runs)
    if newest is not None and newest.id not in {run.id for run in found}:
        found.append(newest)
    return found


def _describe_run(connection: Connection, run: RunRecord) -> dict[str, Any]:
    described = _describe(run, runs.progress(connection, run.id))
    return {**described, "kind": runs.LABEL, "archive": runs.display(run.root), "version": None}


def _describe_relabel(connection: Connection, relabel: RelabelRecord) -> dict[str, Any]:
    described = _describe(relabel, relabels.progress(connection, relabel.id))
    version_id = relabel.version_id
    return {**described, "kind": relabels.RELABEL, "archive": None, "version": version_id}


def _describe_training(training: TrainingRecord) -> dict[str, Any]:
    return {
        "training": training.id,
        "trigger": training.trigger,
        "state": str(training.state),
        "stage": training.stage,
        "done": training.done,
        "total": training.total,
        "detail": training.detail,
        "holder": training.holder,
        "version": training.version_id,
        "verdict": training.verdict,
        "error": training.error,
    }


def _describe(run: RunRecord | RelabelRecord, progress: Progress) -> dict[str, Any]:
    return {
        "run": run.id,
        "state": str(run.state),
        "reason": run.reason,
        "done": progress.done,
        "listed": progress.listed,
        "jobs_open": progress.jobs_open,
        "jobs_in_flight": progress.jobs_in_flight,
    }
