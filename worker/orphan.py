"""Ends a process whose parent is gone."""

from __future__ import annotations

import os
import threading
import time

_EVERY = 0.1


def exit_with_parent() -> None:
    """End this process soon after its parent dies, whatever it is working on.

    A pool's child notices the death of its parent only between two tasks; by then the job has been
    given to somebody else.
    """
    parent = os.getppid()
    threading.Thread(target=_watch, args=(parent,), name="orphan", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_EVERY)
    os._exit(1)
