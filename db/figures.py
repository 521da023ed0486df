"""What one job found and how long its steps took, in a form that adds up over jobs."""

from __future__ import annotations

import json
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


# Upper bounds in seconds: a small image decodes within a millisecond, a large job is stored within
# seconds, and no image may take longer than a minute or two.
BOUNDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0),
)

# What is timed: an image each, a batch of faces each, and a job each.
DECODE, DETECT, EMBED, STORE = "decode", "detect", "embed", "store"
STAGES = (DECODE, DETECT, EMBED, STORE)


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many times something took how long.

    Attributes:
        counts: of the times up to each of `BOUNDS` and above the one before; the last is of those
            above all bounds.
        seconds: all times together.
    """

    counts: tuple[int, ...] = (0,) * (len(BOUNDS) + 1)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if len(self.counts) != len(BOUNDS) + 1 or min(self.counts) < 0:
            raise ValueError(f"a histogram needs {len(BOUNDS) + 1} counts, not {self.counts}")

    @classmethod
    def of(cls, times: Iterable[float]) -> Self:
        """The histogram of some times in seconds."""
        counts, seconds = [0] * (len(BOUNDS) + 1), 0.0
        for time in times:
            counts[bisect_left(BOUNDS, time)] += 1
            seconds += time
        return cls(tuple(counts), seconds)

    def __add__(self, other: Histogram) -> Histogram:
        counts = tuple(one + two for one, two in zip(self.counts, other.counts, strict=True))
        return Histogram(counts, self.seconds + other.seconds)


@dataclass(frozen=True, slots=True)
class JobFigures:
    """What one job found, and how long its steps took.

    Attributes:
        outcomes: images by outcome.
        faces: new faces by the detector that found them.
        unknown: those of the new faces that are none of the known labels.
        stages: times by stage; see `STAGES`.
    """

    outcomes: Mapping[str, int] = field(default_factory=dict)
    faces: Mapping[str, int] = field(default_factory=dict)
    unknown: int = 0
    stages: Mapping[str, Histogram] = field(default_factory=dict)

    def to_json(self) -> str:
        """The figures as they are stored."""
        return json.dumps(
            {
                "outcomes": dict(self.outcomes),
                "faces": dict(self.faces),
                "unknown": self.unknown,
                "bounds": BOUNDS,
                "stages": {
                    name: {"counts": times.counts, "seconds": round(times.seconds, 6)}
                    for name, times in self.stages.items()
                },
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The figures of a row; what a newer kaolabel added to them is left out.

        Raises:
            ValueError: when these are no figures.
        """
        try:
            return cls(**_fields(json.loads(text)))
        except (AttributeError, KeyError, RecursionError, TypeError) as error:
            raise ValueError(f"these are no figures of a job: {text[:80]!r}") from error


def _fields(read: Mapping[str, Any]) -> dict[str, Any]:
    # Times under other bounds cannot be added up with these.
    stages = read["stages"] if read["bounds"] == list(BOUNDS) else {}
    return {
        "outcomes": {str(name): int(count) for name, count in read["outcomes"].items()},
        "faces": {str(name): int(count) for name, count in read["faces"].items()},
        "unknown": int(read["unknown"]),
        "stages": {
            name: Histogram(tuple(times["counts"]), float(times["seconds"]))
            for name, times in stages.items()
        },
    }
