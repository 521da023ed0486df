"""The names of tasks and queues, and what their messages carry: ids only.

Messages outlive releases: in the middle of an upgrade, old and new workers share a queue. A message
that an older worker cannot carry out as it is meant gets a higher version than that worker knows.
"""

from __future__ import annotations

from typing import Any

from db.errors import UsageError
from db.version import JOB_VERSION

# Read by Flower's users; renaming one strands the messages that are under way.
LABEL_JOB = "kaolabel.label_job"
RELABEL_JOB = "kaolabel.relabel_job"
LABEL_QUEUE = "kaolabel.label"
TRAIN = "kaolabel.train"
TRAIN_ON_SCHEDULE = "kaolabel.train_on_schedule"
TRAIN_AFTER_ANNOTATIONS = "kaolabel.train_after_annotations"
TRAIN_QUEUE = "kaolabel.train"

# What this kaolabel sends and understands; a job that is sent again keeps the version of its maker.
MESSAGE_VERSION = JOB_VERSION

# The header that tells the version; messages without it are of the first.
_HEADER = "kaolabel"

_LONGEST_QUOTE = 40


def label_job(job_id: int) -> dict[str, int]:
    """The keyword arguments of a task that labels or relabels."""
    return {"job_id": job_id}


def headers(version: int = MESSAGE_VERSION) -> dict[str, dict[str, int]]:
    """The headers that every message carries."""
    return {_HEADER: {"message": version}}


def version_of(request: Any) -> int:
    """The version of the message that a task was called with.

    Args:
        request: Celery's context of the task; anybody may have written what it holds.
    """
    header = getattr(request, _HEADER, None)
    version = header.get("message") if isinstance(header, dict) else None
    return version if type(version) is int else 1


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
