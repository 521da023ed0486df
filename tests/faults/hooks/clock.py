"""Sets the clock of worker processes forward or back, from a moment that the test chooses."""

from __future__ import annotations

import os
import time
from pathlib import Path

_SIGNAL = Path(os.environ.get("TMPDIR", "/nonexistent")) / "clock-is-set"
_ARGUMENTS = Path("/proc/self/cmdline")


def install(*, seconds: float) -> None:
    """Have workers and their processes see another time, once `set_clocks` was called."""
    words = _ARGUMENTS.read_bytes()
    if b"worker.entry" not in words and b"spawn_main" not in words:
        return
    true_time = time.time

    def wrong_time() -> float:
        return true_time() + (seconds if _SIGNAL.exists() else 0.0)

    time.time = wrong_time


def set_clocks(folder: Path) -> None:
    """Set the clocks of a cluster's workers; `folder` is the cluster's."""
    (folder / "tmp" / _SIGNAL.name).touch()
