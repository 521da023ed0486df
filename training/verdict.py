"""What the gate decides of a model, and the limits that it keeps to."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from db.records import VersionRecord

# A quotient that is whole on paper may be a hair below in floating point.
_HAIR = 1e-9


@dataclass(frozen=True, slots=True)
class Limits:
    """How much worse and how different a model may be that takes the place of another.

    Attributes:
        margin: share of the held-out faces by which it may have fewer right, 0 to 1. Rounded down
            to whole faces, so that few faces forgive nothing.
        max_change: share of the archives' faces whose label it may change, 0 to 1.
        sample: about how many faces of the archives are looked at for that. The share of 20,000 is
            off by less than one percentage point (95% interval of a binomial share).
    """

    margin: float = 0.02
    max_change: float = 0.2
    sample: int = 20_000

    def __post_init__(self) -> None:
        if not (0 <= self.margin <= 1 and 0 <= self.max_change <= 1):
            raise ValueError("margin and max_change are shares from 0 to 1")
        if self.sample < 1:
            raise ValueError("a sample has at least one face")

    def allowed(self, faces: int) -> int:
        """How many fewer of the held-out faces may be right."""
        return math.floor(self.margin * faces + _HAIR)


@dataclass(frozen=True, slots=True)
class Count:
    """Right answers among held-out faces."""

    correct: int
    n: int

    @classmethod
    def of(cls, version: VersionRecord) -> Self:
        """A version's own hold-out, as its training measured it."""
        holdout = json.loads(version.manifest)["holdout"]
        return cls(int(holdout.get("correct", 0)), int(holdout.get("n", 0)))

    def __str__(self) -> str:
        return f"{self.correct}/{self.n}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate decided; as text it is one line for people.

    Attributes:
        passed: whether the candidate is as good as the active model and changes little enough.
        forced: whether it shall be activated although it did not pass.
        reasons: what was found, and what it means.
        candidate: on the faces that both could be judged on; without another model to compare with,
            its own hold-out.
        active: the active model on the same faces; None where nothing could be compared.
        changed_share: share of the archives' faces that is held against it; None where there are
            none, or nothing could be compared.
        against: number of the version that was active; None where there was none.
    """

    passed: bool
    forced: bool
    reasons: tuple[str, ...]
    candidate: Count
    active: Count | None = None
    changed_share: float | None = None
    against: int | None = None

    @property
    def activates(self) -> bool:
        """Whether the candidate becomes the active model."""
        return self.passed or self.forced

    def __str__(self) -> str:
        outcome = (
            "passed" if self.passed else "forced, though refused" if self.forced else "refused"
        )
        return f"{outcome}: {'; '.join(self.reasons)}"

    def to_json(self) -> dict[str, Any]:
        """Give everything as JSON values."""
        return {
            "passed": self.passed,
            "forced": self.forced,
            "reasons": list(self.reasons),
            "candidate": {"correct": self.candidate.correct, "n": self.candidate.n},
            "active": self.active and {"correct": self.active.correct, "n": self.active.n},
            "changed_share": self.changed_share,
            "against": self.against,
        }
