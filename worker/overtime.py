"""What the pool's soft time limit means for a process that has nothing to do."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from celery import current_task

if TYPE_CHECKING:
    from types import FrameType


def heed_limit_in_tasks() -> None:
    """Have the soft time limit interrupt a task, but not end an idle process.

    A parent whose broker is away reads no results. When it is back it first finds that its task
    has taken too long, and tells a process that was done with it minutes ago; billiard's handler
    would end that, and the next one would have to load the model again.
    """
    exceed = signal.getsignal(signal.SIGUSR1)

    def heed(number: int, frame: FrameType | None) -> None:
        if current_task and callable(exceed):
            exceed(number, frame)

    signal.signal(signal.SIGUSR1, heed)
