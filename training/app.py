"""The Celery application of trainers: a queue of their own, and results that can be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery.schedules import ParseException, crontab

from db.errors import UsageError
from worker.broker.app import create_app
from worker.broker.messages import TRAIN_AFTER_ANNOTATIONS, TRAIN_ON_SCHEDULE, TRAIN_QUEUE

if TYPE_CHECKING:
    from celery import Celery

    from training.settings import TrainingSettings
    from worker.broker.settings import BrokerSettings

# Seconds between two looks at how many annotations are new.
_LOOK_EVERY = 60.0


def create_training_app(
    broker_url: str, broker: BrokerSettings, settings: TrainingSettings
) -> Celery:
    """An application for trainers and for the clock that wakes them.

    Raises:
        UsageError: the broker's URL or the schedule cannot be read.
    """
    app = create_app(broker_url, broker, queue=TRAIN_QUEUE, tasks="training.tasks", results=True)
    app.conf.update(
        # A training takes as long as it takes, and the ledger knows of it: its message has done
        # its work when it arrives.
        task_acks_late=False,
        task_soft_time_limit=None,
        task_time_limit=None,
        # For the state and the progress that Flower shows.
        task_ignore_result=False,
        task_track_started=True,
        # A training that waits while another one goes on can be taken by another trainer, and comes
        # to nobody twice: Redis hands out again what a trainer holds on to for too long.
        worker_disable_prefetch=True,
        # What TensorFlow has taken of memory and devices goes back with the process.
        worker_max_tasks_per_child=1,
        beat_schedule=beat_schedule(settings),
    )
    return app


def beat_schedule(settings: TrainingSettings) -> dict[str, dict[str, Any]]:
    """What the clock sends, and when; empty where the settings ask for nothing.

    Raises:
        UsageError: the schedule cannot be read.
    """
    schedule: dict[str, dict[str, Any]] = {}
    if settings.train_schedule is not None:
        when = _crontab(settings.train_schedule)
        schedule["train"] = {"task": TRAIN_ON_SCHEDULE, "schedule": when}
    if settings.train_after is not None:
        # Where no trainer listens, the looks of an hour must not pile up.
        looks = {"schedule": _LOOK_EVERY, "options": {"expires": _LOOK_EVERY}}
        enough = {"after": settings.train_after}
        schedule["look"] = {"task": TRAIN_AFTER_ANNOTATIONS, "kwargs": enough, **looks}
    return schedule


def _crontab(text: str) -> crontab:
    try:
        minute, hour, day, month, weekday = text.split()
        return crontab(
            minute=minute, hour=hour, day_of_month=day, month_of_year=month, day_of_week=weekday
        )
    except (ParseException, ValueError, KeyError) as error:
        raise UsageError(
            f"KAOLABEL_TRAIN_SCHEDULE {text!r} cannot be read: give minute, hour, day of the month,"
            " month and weekday as cron does, such as `0 3 * * *` for every night at three (UTC)"
        ) from error
