"""The Celery tasks of a labelling worker: thin shells around `worker.labelling`."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from celery import shared_task, signals

from db.errors import UsageError
from worker.broker.messages import LABEL_JOB, RELABEL_JOB, require_id
from worker.labelling import run_job
from worker.overtime import heed_limit_in_tasks

if TYPE_CHECKING:
    from worker.context import Context


@shared_task(name=LABEL_JOB, throws=(UsageError,))  # type: ignore[untyped-decorator]  # celery ships no types
def label_job(job_id: int) -> None:
    """Detect and classify the faces of one job's images; the ledger says which they are."""
    run_job(_context_of_tasks(), require_id(job_id))


@shared_task(name=RELABEL_JOB, throws=(UsageError,))  # type: ignore[untyped-decorator]  # as above
def relabel_job(job_id: int) -> None:
    """Classify one job's stored faces by a relabelling's version, from embeddings or crops."""
    run_job(_context_of_tasks(), require_id(job_id))


@signals.worker_process_init.connect(weak=False)  # type: ignore[untyped-decorator]  # as above
def prepare(**_signal: Any) -> None:
    """Have a process of the pool get ready before its first message, rather than during its job."""
    _context().prepare()


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
