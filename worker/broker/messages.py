"""The names of tasks and queues, and what their messages carry: ids only."""

from __future__ import annotations

# Read by Flower's users; renaming one strands the messages that are under way.
LABEL_JOB = "kaolabel.label_job"
LABEL_QUEUE = "kaolabel.label"


def label_job(job_id: int) -> dict[str, int]:
    """The keyword arguments of a labelling task."""
    return {"job_id": job_id}
