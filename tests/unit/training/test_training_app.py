"""The application of trainers: their queue, and the clock that wakes them."""

from __future__ import annotations

import pytest
from celery.schedules import crontab

from db.errors import UsageError
from training.app import beat_schedule, create_training_app
from training.settings import TrainingSettings
from worker.broker.app import create_app
from worker.broker.messages import TRAIN, TRAIN_AFTER_ANNOTATIONS, TRAIN_ON_SCHEDULE, TRAIN_QUEUE
from worker.broker.settings import BrokerSettings

URL = "redis://127.0.0.1:9/0"


def test_trainers_have_a_queue_of_their_own() -> None:
    """Labelling workers never get a training, wherever it is sent from."""
    trainer = create_training_app(URL, BrokerSettings(), TrainingSettings())
    labeller = create_app(URL, BrokerSettings())
    assert list(trainer.amqp.queues) == [TRAIN_QUEUE]
    assert TRAIN_QUEUE not in labeller.amqp.queues
    for app in (trainer, labeller):
        assert app.amqp.router.route({}, TRAIN)["queue"].name == TRAIN_QUEUE


def test_a_training_takes_as_long_as_it_takes() -> None:
    """No time limit ends a training, and its state can be looked at."""
    app = create_training_app(URL, BrokerSettings(), TrainingSettings())
    conf = app.conf
    assert (conf.task_time_limit, conf.task_soft_time_limit, conf.task_acks_late) == (
        None,
        None,
        False,
    )
    assert (app.backend.as_uri(), conf.task_ignore_result) == (URL, False)


def test_the_clock_does_what_the_settings_say() -> None:
    """Schedule and count each have their own entry, and nothing is sent unasked."""
    assert beat_schedule(TrainingSettings()) == {}
    schedule = beat_schedule(TrainingSettings(train_schedule="30 3 * * 1", train_after=200))
    assert schedule["train"]["task"] == TRAIN_ON_SCHEDULE
    assert schedule["train"]["schedule"] == crontab(minute="30", hour="3", day_of_week="1")
    assert schedule["look"]["task"] == TRAIN_AFTER_ANNOTATIONS
    assert schedule["look"]["kwargs"] == {"after": 200}


@pytest.mark.parametrize("text", ["at noon", "99 3 * * *", "* * * *", ""])
def test_a_wrong_schedule_is_refused(text: str) -> None:
    """The error shows what was given and what would be right."""
    with pytest.raises(UsageError, match="such as `0 3"):
        beat_schedule(TrainingSettings(train_schedule=text))
