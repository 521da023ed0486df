"""Turns a process into a Celery worker, after everything that it needs has been proven."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from db import schema
from db.errors import UnavailableError
from db.settings import DatabaseSettings
from worker.broker.app import check, create_app
from worker.broker.settings import BrokerSettings
from worker.configured import check_detectors, configured_chain

if TYPE_CHECKING:
    from worker.settings import WorkerSettings


def become_worker(settings: WorkerSettings) -> None:
    """Check broker, database, detectors and device, then replace this process by Celery's worker.

    Raises:
        UsageError: when no broker is named.
        UnavailableError: when broker, database or device does not answer.
        DetectorError: when a detector does not find a drawn face.
    """
    broker = BrokerSettings()
    url = broker.require_url(
        "a worker needs a broker: set KAOLABEL_BROKER_URL (without one, `kaolabel label` starts"
        " a Redis and a worker of its own)"
    )
    check(create_app(url, broker))
    database = DatabaseSettings()
    schema.connect(database).close()
    check_detectors(settings, configured_chain(settings, database.home))
    os.environ.update(_environment(settings))
    if settings.device == "gpu":
        _require_gpu()
    arguments = ["-A", "worker.entry", "worker", "--loglevel", "INFO"]
    os.execv(sys.executable, [sys.executable, "-m", "celery", *arguments])  # noqa: S606  # no shell


def _environment(settings: WorkerSettings) -> dict[str, str]:
    # A supervisor's SIGTERM gives back or finishes the job in hand instead of waiting for ever.
    environment = {"REMAP_SIGTERM": "SIGQUIT"}
    if settings.device == "cpu":
        environment["CUDA_VISIBLE_DEVICES"] = "-1"
    return environment


def _require_gpu() -> None:
    import tensorflow as tf

    if not tf.config.list_physical_devices("GPU"):
        raise UnavailableError(
            "TensorFlow sees no GPU here: install kaolabel[gpu] and the NVIDIA driver, or use"
            " --device cpu"
        )
