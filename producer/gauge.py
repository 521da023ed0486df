"""How far a run is, as its producer asks again and again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from db.records import RunRecord
from db.store import relabels, runs

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from db.records import Progress, RelabelRecord

# Images due that are counted whenever somebody asks: some milliseconds.
_FEW = 10_000

# The part of the time, at most, in which more of them are counted.
_SHARE = 0.05


class Gauge:
    """Reads the progress of a run, and counts its images no oftener than that is cheap.

    What is done may be some moments old while much is left; that all is done is always news.
    """

    def __init__(self) -> None:
        self._done: int | None = None
        self._stale_at = 0.0

    def read(self, connection: Connection, run: RunRecord | RelabelRecord) -> Progress:
        """How far the run is."""
        if not isinstance(run, RunRecord):
            return relabels.progress(connection, run.id)
        now = time.monotonic()
        known = self._done if now < self._stale_at else None
        progress = runs.progress(connection, run.id, done=known)
        if known is None:
            self._note(progress, took=time.monotonic() - now)
        return progress

    def _note(self, progress: Progress, *, took: float) -> None:
        # Files that are listed next are due, so what seems to be all must be counted again.
        few = progress.listed - progress.done < _FEW
        self._done = None if few else progress.done
        self._stale_at = time.monotonic() + took / _SHARE
