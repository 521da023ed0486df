"""Stops a worker that has worked a job out, right before it writes what it found."""

from __future__ import annotations

import os
import signal
from typing import Any

from tests.faults.hooks.fuse import burn
from tests.faults.hooks.late import when_imported


def install(*, times: int) -> None:
    """Stop so many times, each until somebody sends SIGCONT."""

    def change(pipeline: Any) -> None:
        label = pipeline.label

        def freezing(*images: Any, **options: Any) -> Any:
            result = label(*images, **options)
            if burn("freeze_before_commit", times=times):
                os.kill(os.getpid(), signal.SIGSTOP)
            return result

        pipeline.label = freezing

    when_imported("worker.pipeline", change)
