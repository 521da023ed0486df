"""Sends every log record of this process to standard error, in one layout."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from db.logs.layouts import HumanLayout, JsonLayout
from db.process import this_process

if TYPE_CHECKING:
    from db.logs.settings import LogSettings

_STDERR = 2

# These tell at INFO, or at DEBUG, what only their authors ask for: processes begun, statements.
_QUIET = ("alembic", "multiprocessing", "sqlalchemy", "PIL", "h5py", "asyncio", "matplotlib")


class LineHandler(logging.Handler):
    """Writes each record with one call, so that the lines of several processes do not mix.

    Args:
        descriptor: the number of an open file.
    """

    def __init__(self, descriptor: int = _STDERR) -> None:
        super().__init__()
        self._descriptor = descriptor

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; where nobody reads any more, the work goes on without a log."""
        with suppress(OSError):
            data = f"{self.format(record)}\n".encode("utf-8", "backslashreplace")
            while data:
                data = data[os.write(self._descriptor, data) :]


def set_up(settings: LogSettings) -> None:
    """Log to standard error from now on, and nowhere else; may be called again.

    Warnings of Python are logged, too.

    Args:
        settings: layout and level.
    """
    handler = LineHandler()
    handler.setFormatter(layout(settings))
    for logger in _loggers():
        # What libraries have set up for themselves would bypass the layout.
        logger.handlers.clear()
        logger.propagate = True
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)


def layout(settings: LogSettings) -> logging.Formatter:
    """The layout that the settings want, for standard error as it is."""
    is_terminal = os.isatty(_STDERR)
    if settings.log_format == "human" or (settings.log_format == "auto" and is_terminal):
        return HumanLayout(this_process(), colours=is_terminal and "NO_COLOR" not in os.environ)
    return JsonLayout(this_process())


def _loggers() -> list[logging.Logger]:
    known = logging.root.manager.loggerDict.values()
    return [logger for logger in known if isinstance(logger, logging.Logger)]
