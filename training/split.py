"""Examples, each face once, and which of them are held out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from db.errors import UsageError
from training.dataset import LEAST_IMAGES, LEAST_LABELS
from training.discriminant import REJECTED
from training.duplicates import distinct, group
from training.embedding import view_of
from training.holdout import hold_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from training.dataset import Skipped
    from training.example import Example
    from worker.progress import Progress

# Near-duplicates are told by what they look like at this size, whatever the embedder takes.
_SIZE = 96


@dataclass(frozen=True, eq=False)
class Split:
    """Examples, and which of them only judge.

    Attributes:
        examples: n faces, each once, in an order that does not depend on the order given.
        groups: int (n,), equal for near-duplicates.
        held: bool (n,), which are held out; no group is on both sides.
        contradictions: examples that nothing can be learned from.
    """

    examples: tuple[Example, ...]
    groups: NDArray[np.intp]
    held: NDArray[np.bool_]
    contradictions: tuple[Skipped, ...]

    @cached_property
    def labels(self) -> tuple[str | None, ...]:
        """The labels, "" for a rejected face, None for one that is only not something."""
        return tuple(_label(example) for example in self.examples)

    @cached_property
    def keys(self) -> NDArray[np.uint64]:
        """The keys of the examples, uint64 (n,)."""
        return np.array([example.key for example in self.examples], np.uint64)

    @property
    def trained_keys(self) -> NDArray[np.uint64]:
        """The keys of what is not held out, sorted."""
        return np.sort(self.keys[~self.held])

    def held_of(self, examples: Sequence[Example]) -> NDArray[np.bool_]:
        """Which of the examples that have a label are held out, in the order given.

        Args:
            examples: those that were split, n of them with a label.

        Returns:
            bool (n,).
        """
        held = dict(zip(self.keys.tolist(), self.held.tolist(), strict=True))
        labelled = (example for example in examples if example.label is not None)
        return np.array([held.get(example.key, False) for example in labelled], np.bool_)


def split(examples: Sequence[Example], *, share: float, progress: Progress) -> Split:
    """Take each face once, find near-duplicates, and hold a part out.

    Args:
        examples: in any order.
        share: of each label's faces to hold out; 0 holds nothing out.
        progress: called with ("grouping", done, total).

    Returns:
        The split.

    Raises:
        UsageError: too few examples are left when contradictions and doubles are taken out.
        UnreadableImageError: a crop's JPEG is damaged; the message names its origin.
    """
    kept, contradictions = distinct(examples)
    _require_labels(kept)
    groups = group(_inputs(kept, progress=progress))
    keys = [example.key for example in kept]
    labels = [_label(example) for example in kept]
    held = hold_out(labels, keys=keys, groups=groups, share=share)
    return Split(kept, groups, held, contradictions)


def _require_labels(examples: Sequence[Example]) -> None:
    counts = Counter(example.label for example in examples if example.label is not None)
    if len(counts) < LEAST_LABELS or max(counts.values()) < LEAST_IMAGES:
        raise UsageError(
            f"{len(counts)} label(s) with {counts.total()} different face(s) are left to learn "
            "from; a model needs two labels with two faces each: add images"
        )


def _label(example: Example) -> str | None:
    return REJECTED if example.rejected else example.label


def _inputs(examples: Sequence[Example], *, progress: Progress) -> Iterator[NDArray[np.uint8]]:
    for index, example in enumerate(examples):
        yield view_of(example, example.key, number=0, seed=0, size=_SIZE)
        progress("grouping", index + 1, len(examples))
