"""Faces that are the same picture: pixel for pixel, or seen again a little changed.

A perceptual hash tells the second kind: 64 bits of the low frequencies of the discrete cosine
transform, as in Zauner 2010, "Implementation and Benchmarking of Perceptual Image Hash Functions".
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import cv2
import numpy as np

from training.dataset import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from training.example import Example

# Of 838 real faces, all eleven pairs up to here show the same drawing, and none of the pairs above
# do; of 200 of them compressed hard, shrunk by a third, brightened or mirrored, none is farther.
MOST_BITS = 8

_SIDE = 32
_FREQUENCIES = slice(1, 9)
_ROWS = 512


def distinct(
    examples: Sequence[Example],
) -> tuple[tuple[Example, ...], tuple[Skipped, ...]]:
    """Keep one example of each key.

    A label says more than that no label fits, which says more than what a face is not.

    Args:
        examples: in any order.

    Returns:
        The examples that are left and those that contradict each other, both in an order that
        does not depend on the order given.
    """
    by_key: dict[int, list[Example]] = defaultdict(list)
    for example in examples:
        by_key[example.key].append(example)
    kept: list[Example] = []
    refused: list[Skipped] = []
    for key in sorted(by_key):
        same = sorted(by_key[key], key=_rank)
        why = _contradiction(same)
        if why:
            refused += [Skipped(example.origin, "contradiction", why) for example in same]
        else:
            kept.append(same[0])
    return tuple(kept), tuple(refused)


def group(faces: Iterable[NDArray[np.uint8]]) -> NDArray[np.intp]:
    """Group faces that show the same drawing, mirrored ones included.

    Faces belong together if a chain of near-duplicates joins them. 20,000 take less than half a
    minute.

    Args:
        faces: n of uint8 (height, width, 3), RGB; looked at one at a time.

    Returns:
        int (n,): for each face the position of the first one of its group.
    """
    pairs = [(_fingerprint(face), _fingerprint(face[:, ::-1])) for face in faces]
    hashes = np.array(pairs, np.uint64).reshape(-1, 2)
    parents = list(range(len(hashes)))
    for start in range(0, len(hashes), _ROWS):
        for row, column in _near(hashes, start):
            _join(parents, row, column)
    return np.array([_root(parents, index) for index in range(len(parents))], np.intp)


def _fingerprint(face: NDArray[np.uint8]) -> int:
    """Compare each low frequency with the median of all; the constant one says only how bright."""
    grey = cv2.cvtColor(np.ascontiguousarray(face), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    low = cv2.dct(small.astype(np.float32))[_FREQUENCIES, _FREQUENCIES]
    return int.from_bytes(np.packbits(low > np.median(low)).tobytes(), "little")


def _near(hashes: NDArray[np.uint64], start: int) -> list[tuple[int, int]]:
    """Pairs of near-duplicates of which the first is among the rows from `start`."""
    plain, mirrored = hashes[start:, 0], hashes[start:, 1]
    rows = plain[:_ROWS, None]
    bits = np.minimum(np.bitwise_count(rows ^ plain), np.bitwise_count(rows ^ mirrored))
    first, second = np.nonzero(bits <= MOST_BITS)
    apart = first < second
    return list(zip(start + first[apart], start + second[apart], strict=True))


def _join(parents: list[int], one: int, other: int) -> None:
    low, high = sorted((_root(parents, one), _root(parents, other)))
    parents[high] = low


def _root(parents: list[int], index: int) -> int:
    while parents[index] != index:
        parents[index] = parents[parents[index]]
        index = parents[index]
    return index


def _rank(example: Example) -> tuple[bool, bool, str, tuple[str, ...], str]:
    unlabelled = example.label is None
    return (
        unlabelled,
        bool(example.not_labels),
        example.label or "",
        example.not_labels,
        example.origin,
    )


def _contradiction(same: Sequence[Example]) -> str:
    """Say what is wrong with examples of one key; empty if nothing is."""
    labels = sorted({example.label for example in same if example.label is not None})
    if len(labels) > 1:
        return f"the same face is labelled {', '.join(labels)}"
    if labels and any(example.rejected for example in same):
        return f"the same face is labelled {labels[0]} and rejected"
    if labels and any(labels[0] in example.not_labels for example in same):
        return f"the same face is said to be {labels[0]} and not to be {labels[0]}"
    return ""
