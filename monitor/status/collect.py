"""What `kaolabel status` knows: one object, read in a few short queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from db.records import Outcome
from db.store import models, pulse, trainings, workers
from db.version import __version__
from monitor.status.broker import Look
from monitor.status.runs import describe_runs
from monitor.status.workers import describe_worker

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from db.engine import Database
    from db.records import TrainingRecord
    from worker.broker.settings import BrokerSettings


def collect(database: Database, broker: BrokerSettings | None = None) -> dict[str, Any]:
    """Everything that people and programs are told.

    Keys stay; new ones may come. Times are seconds since the epoch by the database's clock, and
    durations are in seconds.

    Args:
        database: the ledger.
        broker: names the broker to ask; None for none.

    Returns:
        at: when this was so.
        kaolabel: the version of this command.
        database: its URL, without the password.
        error: None; what is wrong where the ledger could not be read, and then the only key.
        active_model: number of the live version; None before the first.
        refusals: hosts that cannot load that version: worker, at, reason.
        broker: see `Look`; None where kaolabel starts a Redis of its own.
        queue: open jobs of active runs: jobs_open, jobs_queued, jobs_leased, and oldest_seconds
            since the oldest was cut, None where there is none.
        images_per_second: of all runs that label, over the last minute.
        quarantined, unreadable: number of images by reason.
        workers: see `describe_worker`; those in trouble first.
        trainings: open ones, and the newest closed one; oldest first. `lost` are those whose
            process has not been heard of for a while.
        runs: see `describe_runs`; oldest first.
    """
    look = Look(broker) if broker is not None and not broker.embedded else None
    with database.read() as connection:
        found = _read(connection)
    asked = None if look is None else look.answer()
    return {"database": database.display, "error": None, "broker": asked, **found}


def _read(connection: Connection) -> dict[str, Any]:
    at = pulse.clock(connection)
    active = models.active(connection)
    active_id = None if active is None else active.id
    described = describe_runs(connection)
    refused = pulse.refused(connection)
    return {
        "at": at,
        "kaolabel": __version__,
        "active_model": active_id,
        "refusals": [
            {"worker": one.worker, "at": one.at, "reason": one.reason}
            for one in models.refusals(connection)
        ],
        "queue": _queue(pulse.depth(connection)),
        "images_per_second": round(
            sum((run["per_second"] or 0.0 for run in described if run["version"] is None), 0.0), 2
        ),
        "quarantined": refused.get(Outcome.QUARANTINED, {}),
        "unreadable": refused.get(Outcome.UNREADABLE, {}),
        "workers": sorted(
            (
                describe_worker(one, kaolabel=__version__, model=active_id)
                for one in workers.every(connection)
            ),
            key=lambda worker: (not worker["trouble"], worker["worker"]),
        ),
        "trainings": [_describe_training(one, at) for one in trainings.recent(connection)],
        "runs": described,
    }


def _queue(depth: pulse.Depth) -> dict[str, Any]:
    return {
        "jobs_open": depth.queued + depth.leased,
        "jobs_queued": depth.queued,
        "jobs_leased": depth.leased,
        "oldest_seconds": None if depth.oldest is None else round(depth.oldest, 3),
    }


def _describe_training(training: TrainingRecord, at: float) -> dict[str, Any]:
    ended = at if training.finished_at is None else training.finished_at
    started = training.started_at
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
        "lost": training.lease_until is not None and training.lease_until < at,
        "started_at": started,
        "seconds": None if started is None else round(max(ended - started, 0.0), 3),
    }
