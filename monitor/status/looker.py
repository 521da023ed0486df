"""Looks again and again in the background, so that a screen goes on while a server says nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError

from db.errors import KaolabelError
from worker.background import Background

if TYPE_CHECKING:
    from collections.abc import Callable

    from db.engine import Database

# The part of the time, at most, for which a server is kept busy with looking.
_SHARE = 0.25

# Seconds after which a look that goes on is worth a word.
_LATE = 3.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen last.

    Attributes:
        looks: that have ended, well or not.
        found: of the newest one that ended well; None before the first.
        age: seconds since it ended.
        error: what is wrong right now, else None.
    """

    looks: int
    found: dict[str, Any] | None
    age: float
    error: str | None


class Looker:
    """Looks at the ledger every some seconds, whatever becomes of it; nothing waits.

    Args:
        database: to look at.
        collect: looks once.
        every: seconds from the start of a look to that of the next one, if looks are short.
    """

    def __init__(
        self, database: Database, collect: Callable[[], dict[str, Any]], *, every: float
    ) -> None:
        self._database, self._collect, self._every = database, collect, every
        self._look: Background[dict[str, Any]] | None = None
        self._started = self._next = self._ended = 0.0
        self._looks = 0
        self._found: dict[str, Any] | None = None
        self._error: str | None = None

    def poll(self) -> Seen:
        """What has been seen by now; to be called some times a second."""
        now = time.monotonic()
        if self._look is None and now >= self._next:
            self._look, self._started = Background(self._collect, name="look"), now
        if self._look is not None and self._look.done:
            self._end(self._look, now)
        return Seen(self._looks, self._found, now - self._ended, self._error or self._lateness(now))

    def _end(self, look: Background[dict[str, Any]], now: float) -> None:
        took, error = now - self._started, look.error()
        self._look, self._looks = None, self._looks + 1
        self._error = None if error is None else self._reason(error)
        self._next = self._started + self._every
        if error is None:
            self._found, self._ended = look.result(), now
            self._next = max(self._next, self._started + took / _SHARE)

    def _reason(self, error: BaseException) -> str:
        if isinstance(error, DBAPIError):
            return str(self._database.unavailable(error))
        if isinstance(error, KaolabelError):
            return str(error)
        raise error

    def _lateness(self, now: float) -> str | None:
        late = 0.0 if self._look is None else now - self._started
        if late < _LATE:
            return None
        return f"the database {self._database.display} has said nothing for {late:.0f} s"
