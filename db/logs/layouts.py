"""Log records as lines: JSON for programs, sentences for people; the one place where text is made.

Only the standard library: structlog would take 60 ms of each process's start, twice for a worker,
and leave to us what matters here, which is what may stand on a line.
"""

from __future__ import annotations

import json
import logging
import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from db.logs import fields
from db.logs.clean import clean, clean_message, clean_trace

if TYPE_CHECKING:
    from collections.abc import Iterator

# In characters, and in items of a list.
_LONGEST_EVENT = 2000
_LONGEST_VALUE = 1000
_MOST_ITEMS = 20

# Ids in the arguments of a task as Celery quotes them, the first thousand characters of them.
_IDS = re.compile(r"'(run|job|training)(?:_id)?': (\d{1,18})\b")

# What comes first, where it is known.
_UNKNOWN = dict.fromkeys(("run", "job", "training", "task"))

# Values that need no quotes where people read them.
_PLAIN = re.compile(r"[^\s\"=]+")

_COLOURS = {"warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[31m"}
_NO_COLOUR = "\x1b[0m"


class JsonLayout(logging.Formatter):
    """One JSON object a line.

    Args:
        process: the name of this process.
    """

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = clean(process, longest=_LONGEST_VALUE)

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        first = {
            "at": _at(record),
            "level": record.levelname.lower(),
            "logger": clean(record.name, longest=_LONGEST_VALUE),
            "event": _event(record),
            "process": self._process,
        }
        entry = first | {k: v for k, v in _values(record).items() if k not in first}
        trace = _trace(self, record)
        if trace:
            entry["exception"] = trace
        return json.dumps(entry, ensure_ascii=False)


class HumanLayout(logging.Formatter):
    """Time, level, sentence and values in one line; only tracebacks take more, all indented.

    Args:
        process: the name of this process.
        colours: whether the level is coloured.
    """

    def __init__(self, process: str, *, colours: bool = False) -> None:
        super().__init__()
        self._process = clean(process, longest=_LONGEST_VALUE)
        self._colours = colours

    def format(self, record: logging.LogRecord) -> str:
        """The lines, without the end of the last one."""
        words = [
            _at(record).replace("T", " "),
            self._level(record.levelname.lower()),
            _event(record),
            *(f"{name}={_quoted(value)}" for name, value in _values(record).items()),
            f"({clean(record.name, longest=_LONGEST_VALUE)} {self._process})",
        ]
        trace = _trace(self, record)
        return "\n    ".join([" ".join(words), *(trace.split("\n") if trace else [])])

    def _level(self, level: str) -> str:
        colour = _COLOURS.get(level) if self._colours else None
        return f"{level:<7}" if colour is None else f"{colour}{level:<7}{_NO_COLOUR}"


def _at(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _event(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
    except Exception as error:  # noqa: BLE001  # the mistake of a library must not cost the line
        text = f"{record.msg} (without its arguments: {type(error).__name__})"
    return clean_message(text, longest=_LONGEST_EVENT)


def _values(record: logging.LogRecord) -> dict[str, Any]:
    """What is bound, then what Celery tells of a task, then what belongs to this line alone."""
    own: dict[str, Any] = getattr(record, fields.FIELDS, {})
    values = {**_UNKNOWN, **fields.current(), **dict(_of_task(record)), **own}
    told = {name: value for name, value in values.items() if value is not None}
    return {clean(str(k), longest=_LONGEST_VALUE): _value(v) for k, v in told.items()}


def _of_task(record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
    data = getattr(record, "data", None)
    if not isinstance(data, dict) or "id" not in data:
        return
    yield "task", data["id"]
    for name, number in _IDS.findall(str(data.get("kwargs"))[:1000]):
        yield name, int(number)


def _value(value: Any) -> Any:
    """A value as JSON has it: bounded, and with clean text only."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple | set | frozenset):
        items = [_value(item) for _, item in zip(range(_MOST_ITEMS), value, strict=False)]
        return items + ([f"… ({len(value):,} in all)"] if len(value) > _MOST_ITEMS else [])
    return clean(_text(value), longest=_LONGEST_VALUE)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        # The path of a file, as the ledger shows it.
        return value[: _LONGEST_VALUE + 1].decode("utf-8", "backslashreplace")
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001  # as in `_event`
        return f"{type(value).__name__} ({type(error).__name__})"


def _quoted(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _trace(layout: logging.Formatter, record: logging.LogRecord) -> str:
    parts = []
    if record.exc_info and record.exc_info[0] is not None:
        parts.append(_exception(layout, record))
    if record.stack_info:
        parts.append(record.stack_info)
    return clean_trace("\n".join(parts))


def _exception(layout: logging.Formatter, record: logging.LogRecord) -> str:
    try:
        return layout.formatException(record.exc_info)  # type: ignore[arg-type]  # it is there
    except Exception as error:  # noqa: BLE001  # as in `_event`
        return f"{record.exc_info[0]} (no traceback: {type(error).__name__})"  # type: ignore[index]  # as above
