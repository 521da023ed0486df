"""The message that wakes a trainer: a number, and for watchers what it stands for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from training.request import TrainingRequest
from worker.broker.messages import TRAIN, headers

if TYPE_CHECKING:
    from celery import Celery

    from db.records import TrainingRecord

# How much is told of an option, in characters.
_LONGEST = 80


def send_for(app: Celery, training: TrainingRecord) -> str:
    """Send for a training that the ledger holds; the number of the task."""
    sent = app.send_task(
        TRAIN,
        kwargs={"training": training.id},
        kwargsrepr=repr(story(training)),
        headers=headers(),
    )
    return str(sent.id)


def story(training: TrainingRecord) -> dict[str, Any]:
    """The number of a training, and the options that are not left at their defaults."""
    usual = {name: field.default for name, field in TrainingRequest.model_fields.items()}
    chosen = {
        name: value[:_LONGEST] if isinstance(value, str) else value
        for name, value in json.loads(training.request).items()
        if value != usual.get(name)
    }
    return {"training": training.id, "trigger": training.trigger, **chosen}
