"""Numbers and times in words."""

from __future__ import annotations

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def counts(number: int, one: str, many: str) -> str:
    """A number of things: `1 job`, `2,000 jobs`."""
    return f"{number:,} {one if number == 1 else many}"


def duration(seconds: float | None) -> str:
    """A time of two units at most, such as `42 s`, `3 min 10 s` or `2 d 4 h`."""
    if seconds is None:
        return "no time"
    whole = max(round(seconds), 0)
    for unit, name, below, smaller in (
        (_DAY, "d", _HOUR, "h"),
        (_HOUR, "h", _MINUTE, "min"),
        (_MINUTE, "min", 1, "s"),
    ):
        if whole >= unit:
            rest = whole % unit // below
            return f"{whole // unit} {name} {rest} {smaller}" if rest else f"{whole // unit} {name}"
    return f"{whole} s"


def bar(part: float, width: int) -> str:
    """How much is done, as text of that width: `######....`."""
    full = int(min(max(part, 0.0), 1.0) * width)
    return "#" * full + "." * (width - full)
