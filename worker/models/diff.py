"""What would change in the archives if another model version were active."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from worker.models.pairs import Pair, Sample


@dataclass(frozen=True, slots=True)
class Change:
    """Faces that go from one label to another; None is unknown.

    Attributes:
        old: what the old version gives.
        new: what the new version gives.
        faces: how many.
        samples: some of them, those that the new version is the most sure of first.
    """

    old: str | None
    new: str | None
    faces: int
    samples: tuple[Sample, ...]


@dataclass(frozen=True)
class Diff:
    """Two versions' words on the same faces.

    Attributes:
        old: number of the one version.
        new: number of the other.
        old_labels: what the old version knows.
        new_labels: what the new version knows.
        stored: faces in all archives.
        faces: faces that were looked at; less than `stored` where a sample was taken.
        annotated: of those, faces that a person judged; left out, as no model changes their label.
        skipped: of those, faces that a version cannot see, as they have a damaged crop.
        counts: the other faces by (old label, new label); None is unknown.
        samples: some faces of each change.
    """

    old: int
    new: int
    old_labels: tuple[str, ...]
    new_labels: tuple[str, ...]
    stored: int
    faces: int
    annotated: int
    skipped: int
    counts: Mapping[Pair, int]
    samples: Mapping[Pair, tuple[Sample, ...]]

    @property
    def scored(self) -> int:
        """Faces that count: neither annotated nor skipped."""
        return self.faces - self.annotated - self.skipped

    @property
    def unchanged(self) -> int:
        """Faces that keep their label, or stay unknown."""
        return sum(count for (old, new), count in self.counts.items() if old == new)

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """What happens to the other faces; the most faces first, then by label."""
        found = [
            Change(old, new, count, self.samples.get((old, new), ()))
            for (old, new), count in self.counts.items()
            if old != new
        ]
        return tuple(sorted(found, key=lambda c: (-c.faces, c.old or "", c.new or "")))

    @cached_property
    def before(self) -> Counter[str]:
        """Faces of each label by the old version."""
        return _sums((old, count) for (old, _), count in self.counts.items())

    @cached_property
    def after(self) -> Counter[str]:
        """Faces of each label by the new version."""
        return _sums((new, count) for (_, new), count in self.counts.items())

    @cached_property
    def lost(self) -> Counter[str]:
        """Faces that have the label from the old version alone."""
        return _sums((change.old, change.faces) for change in self.changes)

    @cached_property
    def gained(self) -> Counter[str]:
        """Faces that have the label from the new version alone."""
        return _sums((change.new, change.faces) for change in self.changes)

    @property
    def only_old(self) -> tuple[str, ...]:
        """Labels that the new version does not know."""
        return _without(self.old_labels, self.new_labels)

    @property
    def only_new(self) -> tuple[str, ...]:
        """Labels that the old version does not know."""
        return _without(self.new_labels, self.old_labels)

    @cached_property
    def held_against(self) -> int:
        """Faces whose change speaks against the new version.

        They lose a label that they had, or go from unknown to a label that the old version knew and
        did not give. From unknown to a label that is new counts as gained: that is what it is for.
        """
        known = set(self.old_labels)
        return sum(
            change.faces for change in self.changes if change.old is not None or change.new in known
        )

    @property
    def changed_share(self) -> float | None:
        """The share of the scored faces that is held against the new version; None without any."""
        return self.held_against / self.scored if self.scored else None

    def to_json(self) -> dict[str, Any]:
        """Give everything as JSON values; a label of null is unknown."""
        return {
            "old": self.old,
            "new": self.new,
            "stored": self.stored,
            "faces": self.faces,
            "annotated": self.annotated,
            "skipped": self.skipped,
            "unchanged": self.unchanged,
            "changed": self.scored - self.unchanged,
            "held_against": self.held_against,
            "changed_share": self.changed_share,
            "only_old": list(self.only_old),
            "only_new": list(self.only_new),
            "labels": {label: self._shift(label) for label in self.labels},
            "changes": [asdict(change) for change in self.changes],
        }

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of both versions, sorted."""
        return tuple(sorted({*self.old_labels, *self.new_labels}))

    def _shift(self, label: str) -> dict[str, int]:
        return {
            "old": self.before[label],
            "new": self.after[label],
            "gained": self.gained[label],
            "lost": self.lost[label],
        }


def _sums(counts: Iterable[tuple[str | None, int]]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for label, count in counts:
        if label is not None:
            sums[label] += count
    return sums


def _without(labels: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    known = set(others)
    return tuple(label for label in labels if label not in known)
