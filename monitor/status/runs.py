"""Runs and relabellings, as `kaolabel status` tells of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from db.records import RelabelRecord, RunRecord, RunState
from db.store import jobs, pulse, relabels, runs

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from db.records import Progress

R = TypeVar("R", RunRecord, RelabelRecord)


def describe_runs(connection: Connection) -> list[dict[str, Any]]:
    """Unfinished runs and relabellings, and the newest of each; oldest first.

    Returns:
        run: its number.
        kind: `label` or `relabel`.
        archive: its folder as text; None for a relabelling.
        version: the version of a relabelling; None for a run that labels.
        state: active, stopped, finished or superseded.
        reason: why it was stopped.
        holder: the process that drives it, as HOST:PID; None where it is not active, or where
            that process died or was not heard of for a while: `kaolabel resume` goes on.
        listing: whether its files are still being listed, so that nobody knows how many come.
        listed, done: images, or faces of a relabelling.
        per_second: of those, over the last minute; None where it is not active.
        seconds_left: at that rate; None while files are listed, or nothing gets done.
        jobs_open: jobs that are not done; jobs_in_flight: those with a message under way.
        complaints: what workers said when they gave jobs back.
        started_at, finished_at: when.
    """
    labelled = _open_and_newest(
        runs.every(connection, state=runs.UNFINISHED), runs.latest(connection)
    )
    relabelled = _open_and_newest(
        relabels.every(connection, state=runs.UNFINISHED), relabels.latest(connection)
    )
    described = [
        *(_describe_run(connection, run) for run in labelled),
        *(_describe_relabel(connection, relabel) for relabel in relabelled),
    ]
    return sorted(described, key=lambda run: int(run["run"]))


def _open_and_newest(open_runs: list[R], newest: R | None) -> list[R]:
    found = list(open_runs)
    if newest is not None and newest.id not in {run.id for run in found}:
        found.append(newest)
    return found


def _describe_run(connection: Connection, run: RunRecord) -> dict[str, Any]:
    listing = run.state == RunState.ACTIVE and not run.walked
    told = _describe(connection, run, runs.progress(connection, run.id), listing=listing)
    return {**told, "kind": runs.LABEL, "archive": runs.display(run.root), "version": None}


def _describe_relabel(connection: Connection, relabel: RelabelRecord) -> dict[str, Any]:
    told = _describe(connection, relabel, relabels.progress(connection, relabel.id), listing=False)
    return {**told, "kind": relabels.RELABEL, "archive": None, "version": relabel.version_id}


def _describe(
    connection: Connection, run: RunRecord | RelabelRecord, progress: Progress, *, listing: bool
) -> dict[str, Any]:
    active = run.state == RunState.ACTIVE
    rate = pulse.pace(connection, run.id) if active else None
    return {
        "run": run.id,
        "state": str(run.state),
        "reason": run.reason,
        "holder": pulse.driver(connection, run.id) if active else None,
        "listing": listing,
        "done": progress.done,
        "listed": progress.listed,
        "per_second": None if rate is None else round(rate, 2),
        "seconds_left": None if listing or not rate else round(_left(progress, rate), 1),
        "jobs_open": progress.jobs_open,
        "jobs_in_flight": progress.jobs_in_flight,
        "complaints": jobs.errors(connection, run.id) if active else [],
        "started_at": run.started_at,
        "finished_at": run.finished_at,
    }


def _left(progress: Progress, rate: float) -> float:
    return max(progress.listed - progress.done, 0) / rate
