"""Turns a process into a trainer, or into the clock that wakes trainers."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from db import schema
from db.errors import UsageError
from db.logs.settings import read_log_settings
from db.settings import DatabaseSettings
from training.app import create_training_app
from training.settings import TrainingSettings
from worker.broker import serve
from worker.broker.app import check
from worker.broker.settings import BrokerSettings

if TYPE_CHECKING:
    from celery import Celery


def become_trainer() -> None:
    """Check broker and database, then replace this process by Celery's worker for trainings.

    Raises:
        UsageError: no broker is named, or a setting is wrong.
        UnavailableError: broker or database does not answer.
    """
    _require_servers()
    os.environ["REMAP_SIGTERM"] = "SIGQUIT"
    command = serve.command(serve.TRAINING)
    os.execv(command[0], command)  # noqa: S606  # no shell


def become_beat() -> None:
    """Check the schedule, then replace this process by Celery's clock.

    Raises:
        UsageError: no broker is named, or the settings ask for no training.
        UnavailableError: broker or database does not answer.
    """
    app = _require_servers()
    if not app.conf.beat_schedule:
        raise UsageError(
            "nothing is to be trained by itself: set KAOLABEL_TRAIN_SCHEDULE (such as `0 3 * * *`),"
            " KAOLABEL_TRAIN_AFTER (such as 200 new annotations), or both"
        )
    folder = DatabaseSettings().home.absolute() / "beat"
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "celery", "--quiet", "-A", serve.TRAINING, "beat"]
    command += ["--loglevel", "INFO", "--schedule", str(folder / "schedule"), "--pidfile", ""]
    os.execv(command[0], command)  # noqa: S606  # no shell


def training_app() -> Celery:
    """The application that sends for trainings, as the environment describes it.

    Raises:
        UsageError: no broker is named, or a setting is wrong.
        UnavailableError: the broker does not answer.
    """
    broker = BrokerSettings()
    url = broker.require_url(
        "trainers take their work from a broker: set KAOLABEL_BROKER_URL (without one,"
        " `kaolabel train` trains right here)"
    )
    app = create_training_app(url, broker, TrainingSettings())
    check(app)
    return app


def _require_servers() -> Celery:
    read_log_settings()
    app = training_app()
    schema.connect(DatabaseSettings()).close()
    return app
