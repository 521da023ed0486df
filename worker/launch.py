"""Turns a process into a Celery worker, after everything that it needs has been proven."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from db.errors import UnavailableError
from db.logs.settings import read_log_settings
from db.settings import DatabaseSettings
from worker.background import Background
from worker.broker import serve
from worker.broker.settings import BrokerSettings
from worker.configured import check_detectors, configured_chain

if TYPE_CHECKING:
    from worker.settings import WorkerSettings


def become_worker(settings: WorkerSettings) -> None:
    """Check broker, database, detectors and device, then replace this process by Celery's worker.

    Raises:
        UsageError: when no broker is named, or a setting of the log is none.
        UnavailableError: when broker, database or device does not answer.
        DetectorError: when a detector does not find a drawn face.
    """
    broker, ledger = BrokerSettings(), DatabaseSettings()
    read_log_settings()
    url = broker.require_url(
        "a worker needs a broker: set KAOLABEL_BROKER_URL (without one, `kaolabel label` starts"
        " a Redis and a worker of its own)"
    )
    chain = configured_chain(settings, ledger.home)
    detectors = Background(partial(check_detectors, settings, chain), name="detectors")
    _require_servers(url, broker, ledger)
    detectors.result()
    os.environ.update(environment(settings))
    if settings.device == "gpu":
        _require_gpu()
    command = serve.command(serve.LABELLING)
    os.execv(command[0], command)  # noqa: S606  # no shell


def environment(settings: WorkerSettings) -> dict[str, str]:
    """What Celery's worker must find in its environment beside the settings."""
    # A supervisor's SIGTERM gives back or finishes the job in hand instead of waiting for ever.
    found = {"REMAP_SIGTERM": "SIGQUIT"}
    if settings.device == "cpu":
        # The second one for JAX, which would complain of a GPU that it may not have.
        found |= {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
    return found


def _require_servers(url: str, broker: BrokerSettings, ledger: DatabaseSettings) -> None:
    # They take a while to load, while a decoder process looks for a drawn face.
    from db import schema
    from worker.broker.app import check, create_app

    check(create_app(url, broker))
    schema.connect(ledger).close()


def _require_gpu() -> None:
    from worker.models.device import current

    if not current().is_gpu:
        raise UnavailableError(
            "Keras sees no GPU here: install kaolabel[gpu] and the NVIDIA driver, or use"
            " --device cpu"
        )
