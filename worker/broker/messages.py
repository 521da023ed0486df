"""The names of tasks and queues, and what their messages carry: ids only."""

from __future__ import annotations

from typing import Any

from db.errors import UsageError

# Read by Flower's users; renaming one strands the messages that are under way.
LABEL_JOB = "kaolabel.label_job"
RELABEL_JOB = "kaolabel.relabel_job"
LABEL_QUEUE = "kaolabel.label"
TRAIN = "kaolabel.train"
TRAIN_ON_SCHEDULE = "kaolabel.train_on_schedule"
TRAIN_AFTER_ANNOTATIONS = "kaolabel.train_after_annotations"
TRAIN_QUEUE = "kaolabel.train"

_LONGEST_QUOTE = 40


def label_job(job_id: int) -> dict[str, int]:
    """The keyword arguments of a task that labels or relabels."""
    return {"job_id": job_id}


def require_id(value: Any) -> int:
    """The number of a row as a message gives it, which anybody may have written.

    Raises:
        UsageError: when it is no number that a row can have.
    """
    # True is a 1 to Python, and no number to people.
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 1 << 63:
        raise UsageError(
            f"a message names {repr(value)[:_LONGEST_QUOTE]}, which is no number of a row: look for"
            " what else sends to kaolabel's queues"
        )
    return value
