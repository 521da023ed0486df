"""Warnings of commands that set up no log: rare, for people, and as clean as those of services."""

from __future__ import annotations

import logging


class Fallback(logging.Handler):
    """Loads what it needs when there is something to tell, which most commands never have."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record to standard error."""
        from db.logs.layouts import HumanLayout
        from db.logs.setup import LineHandler
        from db.process import this_process

        handler = LineHandler()
        handler.setFormatter(HumanLayout(this_process()))
        handler.emit(record)


def fall_back() -> None:
    """Replace Python's own handler of last resort, which prints whatever it is given."""
    logging.lastResort = Fallback(logging.WARNING)
