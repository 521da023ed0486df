"""The version of kaolabel."""

from __future__ import annotations

__version__ = "0.1.0"

# Of the jobs that it makes, and of the messages that wake workers for them. Raise it when a worker
# of before could not do such a job as it is meant: that leaves it to newer ones.
JOB_VERSION = 1
