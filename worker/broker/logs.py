"""Celery's own lines in the layout of all others, and the task's id on the lines of a task."""

from __future__ import annotations

import logging
import os
from typing import Any

from billiard import util
from celery import signals
from celery.app import trace

from db.logs.fields import bind_all
from db.logs.settings import read_log_settings
from db.logs.setup import set_up


@signals.setup_logging.connect(weak=False)  # type: ignore[untyped-decorator]  # celery ships no types
def set_up_logs(*, loglevel: int | None = None, **_signal: Any) -> None:
    """Log as the environment says, and keep Celery from adding handlers of its own.

    Args:
        loglevel: of Celery's command line; counts where the environment names none.

    Raises:
        UsageError: a setting is none.
    """
    settings = read_log_settings()
    if loglevel and "log_level" not in settings.model_fields_set:
        level = logging.getLevelName(loglevel).lower()
        settings = settings.model_copy(update={"log_level": level})
    # Of processes of a pool, which otherwise would tell their mistakes past all loggers.
    util.get_logger()
    set_up(settings)


# Celery would quote all of a task's result, which has its place in the ledger and in Flower.
trace.LOG_SUCCESS = "Task %(name)s[%(id)s] succeeded in %(runtime).2f s"


@signals.celeryd_after_setup.connect(weak=False)  # type: ignore[untyped-decorator]  # as above
def _keep_layout(**_signal: Any) -> None:
    """Have billiard set up no handler of its own in the processes of the pool."""
    os.environ.pop("_MP_FORK_LOGLEVEL_", None)


@signals.task_prerun.connect(weak=False)  # type: ignore[untyped-decorator]  # as above
def _begin(task_id: str, **_signal: Any) -> None:
    bind_all(task=task_id)


@signals.task_postrun.connect(weak=False)  # type: ignore[untyped-decorator]  # as above
def _end(**_signal: Any) -> None:
    bind_all()
