"""How long each of several steps took."""

from __future__ import annotations

import time


class Stopwatch:
    """Runs from the moment it is made; each lap belongs to the step that has just ended.

    Attributes:
        seconds: by the name of the step; laps of the same name add up.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since = time.perf_counter()

    def lap(self, step: str) -> None:
        """Count the time since the last lap towards a step."""
        now = time.perf_counter()
        self.seconds[step] = self.seconds.get(step, 0.0) + now - self._since
        self._since = now
