"""How many faces got their label."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class LabelScore:
    """How many faces of a label were labelled right.

    Attributes:
        n: faces of that label.
        correct: those that got it.
    """

    n: int
    correct: int


@dataclass(frozen=True, slots=True)
class Score:
    """How many faces were labelled right, the threshold aside.

    Attributes:
        n: faces.
        correct: those that got their label.
        per_label: the same for each label.
    """

    n: int
    correct: int
    per_label: Mapping[str, LabelScore] = field(default_factory=dict)

    @property
    def top1(self) -> float | None:
        """The share of correct faces, 0 to 1; None without faces."""
        return self.correct / self.n if self.n else None

    def to_json(self) -> dict[str, Any]:
        """Give the score as JSON values.

        Returns:
            A dict with n, correct, top1 and per_label.
        """
        labels = {k: {"n": v.n, "correct": v.correct} for k, v in self.per_label.items()}
        top1 = None if self.top1 is None else round(self.top1, 6)
        return {"n": self.n, "correct": self.correct, "top1": top1, "per_label": labels}


def compare(truth: Sequence[str], given: Sequence[str]) -> Score:
    """Compare labels.

    Args:
        truth: n labels as they should be.
        given: n labels as they were given.

    Returns:
        The score; labels sorted.
    """
    total = Counter(truth)
    right = Counter(label for label, other in zip(truth, given, strict=True) if label == other)
    labels = {label: LabelScore(total[label], right[label]) for label in sorted(total)}
    return Score(total.total(), right.total(), labels)
