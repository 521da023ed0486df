"""Counting what two heads say of the same faces, without an object a face."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from worker.vision.classify import Head

    # An old and a new label; None is unknown.
    Pair = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class Sample:
    """A face whose label changed.

    Attributes:
        face_id: its number.
        old_confidence: of the old version in its most likely label, 0 to 1; that of an unknown face
            is below the threshold.
        new_confidence: the same of the new version.
    """

    face_id: int
    old_confidence: float
    new_confidence: float


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """What a head says of n faces.

    Attributes:
        columns: intp (n,); the label's column, or k for unknown.
        confidences: float64 (n,), of the most likely label.
    """

    columns: NDArray[np.intp]
    confidences: NDArray[np.float64]

    @classmethod
    def by(cls, head: Head, embeddings: NDArray[np.float16]) -> Given:
        """Let a head classify embeddings, float16 (n, d)."""
        columns, confidences = head.scores(embeddings)
        best, sure = columns[:, 0], confidences[:, 0]
        return cls(np.where(sure < head.threshold, len(head.labels), best), sure)


class Pairs:
    """Counts faces by what the old and the new head gave to them, and keeps a few of each change.

    Args:
        old: labels of the old head.
        new: labels of the new head.
        samples: faces to keep of each change: those that the new head is the most sure of.
    """

    def __init__(self, old: tuple[str, ...], new: tuple[str, ...], *, samples: int) -> None:
        self._old: tuple[str | None, ...] = (*old, None)
        self._new: tuple[str | None, ...] = (*new, None)
        self._samples = samples
        self._counts: Counter[int] = Counter()
        self._kept: dict[int, list[Sample]] = {}
        places = {label: place for place, label in enumerate(self._new)}
        # The new column of each old label; no column is -1.
        self._same = np.array([places.get(label, -1) for label in self._old])

    def add(self, face_ids: NDArray[np.int64], old: Given, new: Given) -> None:
        """Take n faces, int64 (n,), with what either head said of them."""
        codes = old.columns * len(self._new) + new.columns
        for code, count in zip(*np.unique(codes, return_counts=True), strict=True):
            self._counts[int(code)] += int(count)
        changed = np.flatnonzero(self._same[old.columns] != new.columns)
        for code, places in self._surest(changed, codes, face_ids, new.confidences):
            fresh = [
                Sample(int(face), float(before), float(after))
                for face, before, after in zip(
                    face_ids[places], old.confidences[places], new.confidences[places], strict=True
                )
            ]
            self._keep(code, fresh)

    def counts(self) -> dict[Pair, int]:
        """The number of faces by (old label, new label); None is unknown."""
        return {self._pair(code): count for code, count in self._counts.items()}

    def samples(self) -> dict[Pair, tuple[Sample, ...]]:
        """Some faces of each change, those that the new head is the most sure of first."""
        return {self._pair(code): tuple(kept) for code, kept in self._kept.items()}

    def _surest(
        self,
        changed: NDArray[np.intp],
        codes: NDArray[np.intp],
        face_ids: NDArray[np.int64],
        confidences: NDArray[np.float64],
    ) -> Iterator[tuple[int, NDArray[np.intp]]]:
        """For each change among the faces, the places of the first few by falling confidence."""
        if not len(changed):
            return
        order = changed[np.lexsort((face_ids[changed], -confidences[changed], codes[changed]))]
        starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
        for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
            yield int(codes[order[start]]), order[start : min(end, start + self._samples)]

    def _keep(self, code: int, fresh: list[Sample]) -> None:
        found = self._kept.get(code, []) + fresh
        found.sort(key=lambda sample: (-sample.new_confidence, sample.face_id))
        self._kept[code] = found[: self._samples]

    def _pair(self, code: int) -> Pair:
        before, after = divmod(code, len(self._new))
        return self._old[before], self._new[after]
