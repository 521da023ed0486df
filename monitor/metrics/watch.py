"""Looks at the ledger when somebody asks: one look at a time, however many ask."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from db.outage import reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.metrics.reading import Reading

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class View:
    """What is known of the ledger.

    Attributes:
        reading: the last look that succeeded; None before the first one did.
        is_fresh: whether that look ended after it was asked for.
    """

    reading: Reading | None
    is_fresh: bool


class Watch:
    """Looks at the ledger in a thread of its own.

    A database that hangs holds up that thread, and nobody else for longer than they have patience.

    Args:
        look: reads the ledger.
    """

    def __init__(self, look: Callable[[], Reading]) -> None:
        self._look = look
        self._changed = threading.Condition()
        self._asked = False
        self._looks = 0
        self._reading: Reading | None = None
        self._trouble: str | None = None

    def start(self) -> None:
        """Begin to wait for whoever asks; ends with the process."""
        threading.Thread(target=self._work, name="watch", daemon=True).start()

    def newest(self, *, patience: float) -> View:
        """The next look to end, or the last one if that takes longer than `patience` seconds."""
        with self._changed:
            before = self._looks
            self._asked = True
            self._changed.notify_all()
            ended = self._changed.wait_for(lambda: self._looks > before, timeout=patience)
            return View(self._reading, is_fresh=ended and self._trouble is None)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._asked)
            reading, trouble = self._try()
            self._tell(trouble)
            with self._changed:
                # Who asked while it was under way is content with this one.
                self._asked = False
                self._looks += 1
                self._reading = reading or self._reading
                self._trouble = trouble
                self._changed.notify_all()

    def _try(self) -> tuple[Reading | None, str | None]:
        try:
            return self._look(), None
        except DBAPIError as error:
            return None, reason(error)
        except Exception as error:  # noqa: BLE001  # who scrapes shall see it, and not wait in vain
            return None, f"{type(error).__name__}: {error}"

    def _tell(self, trouble: str | None) -> None:
        if trouble and self._trouble is None:
            logger.warning("the database cannot be read: %s", trouble)
        elif self._trouble and trouble is None:
            logger.info("the database answers again")
