"""The names of tasks and queues, and what their messages carry: ids only."""

from __future__ import annotations

# Read by Flower's users; renaming one strands the messages that are under way.
LABEL_JOB = "kaolabel.label_job"
RELABEL_JOB = "kaolabel.relabel_job"
LABEL_QUEUE = "kaolabel.label"
TRAIN = "kaolabel.train"
TRAIN_ON_SCHEDULE = "kaolabel.train_on_schedule"
TRAIN_AFTER_ANNOTATIONS = "kaolabel.train_after_annotations"
TRAIN_QUEUE = "kaolabel.train"


def label_job(job_id: int) -> dict[str, int]:
    """The keyword arguments of a task that labels or relabels."""
    return {"job_id": job_id}
