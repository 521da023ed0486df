"""Which faces are learned from and which are held out.

Samples are one face a content each, so that no split of them shares an image between its sides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SHARE = 0.2
# A label with fewer faces needs all of them.
LEAST_TO_SHARE = 4


def hold_out(labels: Sequence[str], *, seed: int) -> NDArray[np.bool_]:
    """Choose about a fifth of each label's faces, at least one of every four.

    Args:
        labels: n labels.
        seed: what the choice depends on.

    Returns:
        bool (n,), true where a face is held out.
    """
    held = np.zeros(len(labels), np.bool_)
    for members in _shuffled(labels, seed=seed):
        if len(members) >= LEAST_TO_SHARE:
            held[members[: max(1, round(SHARE * len(members)))]] = True
    return held


def folds(labels: Sequence[str], *, count: int, seed: int) -> NDArray[np.int64]:
    """Deal each label's faces to folds in turn.

    Args:
        labels: n labels.
        count: how many folds.
        seed: what the order depends on.

    Returns:
        int64 (n,): the fold of each face, or -1 for the only face of a label, which must always be
        learned from.
    """
    dealt = np.full(len(labels), -1, np.int64)
    for members in _shuffled(labels, seed=seed):
        if len(members) > 1:
            dealt[members] = np.arange(len(members)) % count
    return dealt


def _shuffled(labels: Sequence[str], *, seed: int) -> list[NDArray[np.intp]]:
    rng = np.random.default_rng(seed)
    names = np.asarray(labels)
    return [rng.permutation(np.flatnonzero(names == name)) for name in np.unique(names)]
