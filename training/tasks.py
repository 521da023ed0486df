"""The Celery tasks of a trainer: thin shells around `training.run`."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from celery import shared_task

from db.errors import KaolabelError, UsageError
from db.logs.fields import fields
from db.store import annotations as store
from db.store import trainings
from training.context import open_context
from training.lock import BusyError
from training.report import describe_outcome
from training.request import TrainingRequest, note
from training.run import run_training
from worker.broker.messages import (
    TRAIN,
    TRAIN_AFTER_ANNOTATIONS,
    TRAIN_ON_SCHEDULE,
    require_id,
)
from worker.telling import Teller

if TYPE_CHECKING:
    from celery import Task

    from db.records import TrainingRecord
    from training.context import TrainerContext
    from training.run import Outcome

logger = logging.getLogger(__name__)

_REQUEST = "training.revoking:RevocableRequest"


@shared_task(name=TRAIN, bind=True, throws=(KaolabelError,), Request=_REQUEST)  # type: ignore[untyped-decorator]  # celery ships no types
def train(self: Task, training: int | None = None, **options: Any) -> dict[str, Any]:
    """Train a model: either the requested training of that number, or with these options.

    The options are those of `kaolabel train`: folder, crops, from_annotations, fine_tune, backbone,
    taps, size, epochs, hold_out, threshold, margin, max_change, force.
    """
    context = open_context()
    if training is None:
        record = note(context.database, TrainingRequest.of(options), trigger="task")
    else:
        record = _requested(context, training)
    return _run(self, context, record)


@shared_task(name=TRAIN_ON_SCHEDULE, bind=True, throws=(KaolabelError,), Request=_REQUEST)  # type: ignore[untyped-decorator]  # as above
def train_on_schedule(self: Task) -> dict[str, Any]:
    """Train as KAOLABEL_TRAIN_REQUEST says, unless the last such training still goes on."""
    return _run_once(self, open_context(), trigger="schedule")


@shared_task(name=TRAIN_AFTER_ANNOTATIONS, bind=True, throws=(KaolabelError,), Request=_REQUEST)  # type: ignore[untyped-decorator]  # as above
def train_after_annotations(self: Task, after: int | None = None) -> dict[str, Any]:
    """Train as KAOLABEL_TRAIN_REQUEST says, if enough was said since the last training.

    Args:
        self: the task.
        after: how many annotations are enough; KAOLABEL_TRAIN_AFTER of the trainer, else 1.
    """
    context = open_context()
    enough = context.settings.train_after or 1 if after is None else require_id(after)
    with context.database.read() as connection:
        new = store.count_since(connection, trainings.learned_until(connection))
    if new < enough:
        return {"trained": False, "why": f"{new} new annotations"}
    return _run_once(self, context, trigger="annotations")


def _requested(context: TrainerContext, training: int) -> TrainingRecord:
    try:
        with context.database.read() as connection:
            return trainings.get(connection, require_id(training))
    except LookupError as error:
        raise UsageError(f"{error} in the ledger; ask for it again") from error


def _run_once(task: Task, context: TrainerContext, *, trigger: str) -> dict[str, Any]:
    with context.database.read() as connection:
        if trainings.is_pending(connection, trigger=trigger):
            return {"trained": False, "why": "the last one still goes on"}
    record = note(context.database, context.settings.train_request, trigger=trigger)
    return _run(task, context, record)


def _run(task: Task, context: TrainerContext, record: TrainingRecord) -> dict[str, Any]:
    started = time.monotonic()
    try:
        with Teller(task, training=record.id) as teller:
            outcome = run_training(
                context.database,
                record,
                home=context.home,
                settings=context.settings,
                listener=teller,
            )
    except (BusyError, trainings.TrainingLostError) as error:
        # A second message for a training, or one that comes too early: the ledger knows what is
        # still to be done, and the trainer sends for it again.
        logger.info("%s", error)
        return {"training": record.id, "trained": False, "why": str(error)}
    except KaolabelError as error:
        # Celery tells of it as of any end that was foreseen, which nobody would look for.
        why = fields(training=record.id)
        logger.error("training %d failed: %s", record.id, error, extra=why)  # noqa: TRY400  # no trace
        raise
    return _told(outcome, seconds=time.monotonic() - started)


def _told(outcome: Outcome, *, seconds: float) -> dict[str, Any]:
    """What came of a training, in a few words and numbers; the rest stands in the ledger."""
    found = describe_outcome(outcome)
    judged = found["holdout"]
    return {
        "training": found["training"],
        "version": found["version"],
        "active": found["active"],
        "verdict": found["verdict"],
        "labels": len(found["labels"]),
        "faces": sum(found["faces"].values()),
        "held_out": judged["n"],
        "right": judged["correct"],
        "skipped": len(found["skipped"]),
        "seconds": round(seconds, 1),
    }
