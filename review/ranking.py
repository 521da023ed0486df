"""Which faces of an archive a page shows: ranked within their groups, then evenly thinned."""

from __future__ import annotations

import math
from array import array
from itertools import chain
from typing import TYPE_CHECKING

from review.share import spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from db.store.survey import Brief

# The group of a face: ("label", name), or one of these.
Group = tuple[str, str]
UNKNOWN, UNSCORED = ("unknown", ""), ("unscored", "")


class Ranking:
    """Faces in the order in which they are shown; memory holds 16 bytes of each."""

    def __init__(self) -> None:
        self._ids = array("q")
        self._doubts = array("d")

    def add(self, face_id: int, confidence: float | None) -> None:
        """Take a face; one without a confidence comes after the others."""
        self._ids.append(face_id)
        self._doubts.append(math.inf if confidence is None else -confidence)

    def ids(self) -> list[int]:
        """All ids: the most certain first, equals as they came."""
        order = sorted(range(len(self._ids)), key=self._doubts.__getitem__)
        return [self._ids[place] for place in order]


def group(label: str | None, *, unknown: bool) -> Group:
    """Where a face with this label that stands belongs."""
    if label is None:
        return UNSCORED
    return UNKNOWN if unknown else ("label", label)


def choose(
    faces: Iterable[Brief], *, shown: Mapping[Group, tuple[int, int]]
) -> dict[Group, list[int]]:
    """The ids of the faces to show of each group, from the most to the least certain.

    Unknown faces are ranked within those of the same nearest label.

    Args:
        faces: all of them; equals stay in this order.
        shown: of each group, how many faces it has and how many of them to show.
    """
    rankings: dict[Group, dict[str, Ranking]] = {key: {} for key in shown}
    for face_id, label, unknown, confidence in faces:
        nearest = rankings[group(label, unknown=unknown)]
        nearest.setdefault(label or "", Ranking()).add(face_id, confidence)
    chosen = {}
    for key, (count, cap) in shown.items():
        ranked = (ranking.ids() for _, ranking in sorted(rankings.pop(key).items()))
        chosen[key] = list(spread(chain.from_iterable(ranked), count=count, cap=cap))
    return chosen
