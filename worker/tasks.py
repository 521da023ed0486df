"""The Celery tasks of a labelling worker: thin shells around `worker.labelling`."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from celery import shared_task, signals

from db.errors import UsageError
from worker.broker.messages import (
    LABEL_JOB,
    MESSAGE_VERSION,
    RELABEL_JOB,
    require_id,
    version_of,
)
from worker.labelling import leave_to_others, run_job
from worker.overtime import heed_limit_in_tasks
from worker.progress import untold
from worker.telling import Teller

if TYPE_CHECKING:
    from celery import Task

    from worker.context import Context
    from worker.progress import Progress


@shared_task(name=LABEL_JOB, bind=True, throws=(UsageError,))  # type: ignore[untyped-decorator]  # celery ships no types
def label_job(self: Task, job_id: int) -> dict[str, Any]:
    """Detect and classify the faces of one job's images; the ledger says which they are."""
    return _run(self, job_id)


@shared_task(  # type: ignore[untyped-decorator]  # as above
    name=RELABEL_JOB, bind=True, throws=(UsageError,), ignore_result=False, track_started=True
)
def relabel_job(self: Task, job_id: int) -> dict[str, Any]:
    """Classify one job's stored faces by a relabelling's version, from embeddings or crops."""
    with Teller(self) as tell:
        return _run(self, job_id, tell)


@signals.worker_process_init.connect(weak=False)  # type: ignore[untyped-decorator]  # as above
def prepare(**_signal: Any) -> None:
    """Have a process of the pool get ready before its first message, rather than during its job."""
    _context().prepare()


def _run(task: Task, job_id: int, tell: Progress = untold) -> dict[str, Any]:
    context, number = _context_of_tasks(), require_id(job_id)
    if version_of(task.request) > MESSAGE_VERSION:
        return leave_to_others(context.database, number).told()
    return run_job(context, number, tell=tell).told()


@cache
def _context_of_tasks() -> Context:
    # Not before: a process of the pool gets billiard's own handler after `prepare`.
    heed_limit_in_tasks()
    return _context()


@cache
def _context() -> Context:
    # Not at import: the process must have been started, not forked, by then.
    from worker.entry import open_context

    return open_context()
