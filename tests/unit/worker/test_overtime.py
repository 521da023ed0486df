"""The soft time limit interrupts a task and leaves an idle process alone."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from billiard.pool import soft_timeout_sighandler
from celery import Celery

from worker.overtime import heed_limit_in_tasks

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def _pool_process() -> Iterator[None]:
    """This process handles the limit's signal as a pool's process does."""
    before = signal.signal(signal.SIGUSR1, soft_timeout_sighandler)
    heed_limit_in_tasks()
    yield
    signal.signal(signal.SIGUSR1, before)


def exceed_limit() -> None:
    """Send what the parent sends when a task takes too long."""
    os.kill(os.getpid(), signal.SIGUSR1)


@pytest.mark.usefixtures("_pool_process")
def test_an_idle_process_goes_on() -> None:
    """A limit that is exceeded between two tasks is none."""
    exceed_limit()


@pytest.mark.usefixtures("_pool_process")
def test_a_task_is_interrupted() -> None:
    """A limit that is exceeded in a task ends the task."""
    task = Celery(set_as_current=False).task(exceed_limit)
    with pytest.raises(SoftTimeLimitExceeded):
        task()
