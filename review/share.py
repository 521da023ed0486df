"""What a page shows of more than it can hold: a fair share of each group, evenly spread."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

T = TypeVar("T")


def fair_cap(counts: Collection[int], *, budget: int) -> int:
    """The largest number to show of each group so that all groups together keep the budget.

    Small groups are shown whole and leave their room to the large ones; of every group at least
    one is shown, whatever the budget.

    Args:
        counts: the size of each group.
        budget: items that may be shown in all.
    """
    left = budget
    for place, count in enumerate(sorted(counts)):
        share = left // (len(counts) - place)
        if count > share:
            return max(share, 1)
        left -= count
    return max(counts, default=1)


def spread(items: Iterable[T], *, count: int, cap: int) -> Iterator[T]:
    """At most `cap` of the `count` items, the first one and then at even distances, in order."""
    return (item for place, item in enumerate(items) if is_picked(place, count=count, cap=cap))


def is_picked(place: int, *, count: int, cap: int) -> bool:
    """Whether the item at a place, from 0, is among the at most `cap` of `count` items."""
    shown = min(count, cap)
    return place * shown % max(count, 1) < shown
