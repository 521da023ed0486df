"""Fields of a decoder's report, taken only as what they must be.

A decoder that hostile bytes took over may send anything. What passes here can be stored, shown and
given to a model without harm, though it may still be untrue.
"""

from __future__ import annotations

import math
import re
from typing import Any

from db.records import Box

# What databases count in 32 bits.
_MOST = 2**31 - 1

# A slug such as `not_an_image`, a container such as `JPEG`, a detector such as `lbp`.
REASON = re.compile(r"[a-z][a-z_]{0,39}")
FORMAT = re.compile(r"[A-Z0-9]{1,16}")
NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")

MAX_DETAIL = 2000

# The largest, a crop of noise with 192 pixels a side, has a third of it.
_MOST_JPEG_BYTES = 256 * 1024

# JPEG (ITU T.81, annex B): start, tables, a frame header, and only then a scan.
_START, _MARK, _START_OF_FRAME = b"\xff\xd8", 0xFF, 0xC0
_TABLES = frozenset({0xDB, 0xC4, 0xDD, 0xFE, *range(0xE0, 0xF0)})
_SEGMENT_HEAD, _FRAME_HEAD = 4, 9


def count(value: Any, *, least: int = 1, most: int = _MOST) -> int:
    """A whole number from `least` to `most`.

    Raises:
        ValueError: it is none.
    """
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{_shown(value)} is no number from {least} to {most}")
    return value


def score(value: Any) -> float:
    """A finite number.

    Raises:
        ValueError: it is none.
    """
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError(f"{_shown(value)} is no finite number")
    return float(value)


def seconds(value: Any, *, most: float) -> float:
    """A number from 0 to `most`.

    Raises:
        ValueError: it is none.
    """
    if not 0 <= score(value) <= most:
        raise ValueError(f"{_shown(value)} is no number from 0 to {most}")
    return float(value)


def word(value: Any, pattern: re.Pattern[str]) -> str:
    """A text that the pattern matches from end to end.

    Raises:
        ValueError: it is none.
    """
    if type(value) is not str or not pattern.fullmatch(value):
        raise ValueError(f"{_shown(value)} is not like {pattern.pattern}")
    return value


def detail(value: Any) -> str | None:
    """A text of at most `MAX_DETAIL` characters, of whatever kind, or None.

    Raises:
        ValueError: it is neither.
    """
    if value is not None and (type(value) is not str or len(value) > MAX_DETAIL):
        raise ValueError(f"{_shown(value)} is no text of at most {MAX_DETAIL} characters")
    return value


def box(value: Any, *, width: int, height: int) -> Box:
    """Four whole numbers (x0, y0, x1, y1) that make a box within so many pixels.

    Raises:
        ValueError: they do not.
    """
    if type(value) is not list or [type(corner) for corner in value] != [int] * 4:
        raise ValueError(f"{_shown(value)} is no box")
    made = Box(*value)
    if made.x1 > width or made.y1 > height:
        raise ValueError(f"{made} is not within {width} x {height} pixels")
    return made


def jpeg_size(data: bytes, *, most: int) -> tuple[int, int]:
    """Width and height of a plain small JPEG, by its header; the pixels may still be damaged.

    Args:
        data: the whole file.
        most: the longest side that is accepted, in pixels.

    Raises:
        ValueError: it is no baseline JPEG, or a larger one.
    """
    if not data.startswith(_START) or len(data) > _MOST_JPEG_BYTES:
        raise ValueError(f"{len(data)} bytes are no small JPEG")
    head = data[_frame_at(data) :][:_FRAME_HEAD]
    if len(head) < _FRAME_HEAD:
        raise ValueError("a JPEG ends within its header")
    height, width = int.from_bytes(head[5:7], "big"), int.from_bytes(head[7:9], "big")
    return count(width, most=most), count(height, most=most)


def _frame_at(data: bytes) -> int:
    at = len(_START)
    while True:
        mark, kind, *length = data[at : at + _SEGMENT_HEAD].ljust(_SEGMENT_HEAD, b"\0")
        if mark == _MARK and kind == _START_OF_FRAME:
            return at
        if mark != _MARK or kind not in _TABLES:
            raise ValueError("a JPEG has no plain header")
        at += 2 + max(int.from_bytes(bytes(length), "big"), 2)


def _shown(value: Any) -> str:
    """The beginning of what came instead."""
    return ascii(value)[:60] if isinstance(value, (int, float, str)) else type(value).__name__
