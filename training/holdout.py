"""Which faces are learned from and which are held out.

Near-duplicates form groups, and no group is on both sides of any split.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

SHARE = 0.2
# A label with fewer faces needs all of them.
LEAST_TO_SHARE = 4

# Never changed: a hold-out made with another salt has been learned from by earlier models.
_SALT = b"kaolabel holdout"


def hold_out(
    labels: Sequence[str | None],
    *,
    keys: Sequence[int],
    groups: NDArray[np.intp],
    share: float = SHARE,
) -> NDArray[np.bool_]:
    """Choose about a share of each label's faces, for good.

    Every key has a number from 0 to 1, its salted hash, and a group has the least of its keys'.
    Groups below `share` are held out, whatever else there is, so that a face once held out stays so
    in every later training. Two rules come before that and keep small labels usable: no more than
    half of a label is held out, and a label of four faces or more gives at least one, its group of
    the least number. What only they decided may change when the label gets more faces.

    Args:
        labels: n labels; "" (rejected) is treated like one, and None belongs to none.
        keys: n keys of the faces.
        groups: int (n,), as from `duplicates.group`.
        share: 0 to 1; 0 holds nothing out.

    Returns:
        bool (n,), true where a face is held out.
    """
    if not share:
        return np.zeros(len(labels), np.bool_)
    members = _groups(labels, keys=keys, groups=groups)
    total = Counter(label for label in labels if label is not None)
    held: Counter[str] = Counter()
    chosen: set[int] = set()

    def take(candidates: Iterable[_Group], *, most: int | None = None) -> None:
        for group in candidates:
            if most is not None and len(chosen) >= most:
                return
            if group.number not in chosen and group.can_be_spared(total, held):
                chosen.add(group.number)
                held.update(group.labels)

    take(group for group in members if group.order < share)
    for label in sorted(total):
        if not held[label]:
            own = [group for group in members if label in group.labels]
            take(own, most=len(chosen) + 1)
    return np.isin(groups, sorted(chosen))


def folds(
    labels: Sequence[str], *, groups: NDArray[np.intp], count: int, seed: int
) -> NDArray[np.int64]:
    """Deal each label's groups to folds.

    Args:
        labels: n labels.
        groups: int (n,), as from `duplicates.group`.
        count: how many folds.
        seed: what the order depends on.

    Returns:
        int64 (n,): the fold of each face, or -1 for the only group of a label, which must always be
        learned from.
    """
    names = np.asarray(labels)
    dealt = np.full(len(names), -1, np.int64)
    rng = np.random.default_rng(seed)
    alone = {name for name in np.unique(names) if len(np.unique(groups[names == name])) == 1}
    for name in np.unique(names):
        tally = np.bincount(dealt[(names == name) & (dealt >= 0)], minlength=count)
        for group in rng.permutation(np.unique(groups[names == name])):
            inside = groups == group
            if (dealt[inside] < 0).all() and alone.isdisjoint(names[inside]):
                fold = int(tally.argmin())
                dealt[inside] = fold
                tally[fold] += np.count_nonzero(names[inside] == name)
    return dealt


@dataclass(frozen=True, slots=True)
class _Group:
    """Near-duplicates.

    `order` is the least of its keys' numbers, `labels` counts its faces by label.
    """

    order: float
    number: int
    labels: Counter[str]

    def can_be_spared(self, total: Counter[str], held: Counter[str]) -> bool:
        """Whether every label of the group has enough faces and keeps half of them."""
        return all(
            total[label] >= LEAST_TO_SHARE and 2 * (held[label] + count) <= total[label]
            for label, count in self.labels.items()
        )


def _groups(
    labels: Sequence[str | None], *, keys: Sequence[int], groups: NDArray[np.intp]
) -> list[_Group]:
    """The groups, least number first."""
    orders: dict[int, float] = {}
    counts: dict[int, Counter[str]] = {}
    for label, key, number in zip(labels, keys, groups.tolist(), strict=True):
        orders[number] = min(orders.get(number, 1.0), _order(key))
        counts.setdefault(number, Counter()).update([] if label is None else [label])
    found = [_Group(orders[number], number, counts[number]) for number in orders]
    return sorted(found, key=lambda group: group.order)


def _order(key: int) -> float:
    """A number from 0 to 1 that nobody chose."""
    digest = hashlib.blake2b(key.to_bytes(8, "little"), key=_SALT, digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2**64
