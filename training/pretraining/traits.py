"""What the drawer knows of a face, as numbers that a network can learn to tell."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from training.portraits.character import cast_characters
from training.portraits.rows import Rows
from training.portraits.view import look

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from training.portraits.character import Character
    from training.portraits.view import View

# How many faces tell the mean and the deviation of every number.
_SAMPLE = 4096
_SEED = 0x7472
# A number that hardly varies would otherwise count for far too much.
_LEAST_DEVIATION = 0.02
# What can be seen of a view, and says nothing of who it is.
_SEEN = ("yaw", "pitch", "tilt", "zoom", "lid", "brow", "mouth", "blush")


@dataclass(frozen=True, slots=True, eq=False)
class Traits:
    """The numbers, brought to the same scale.

    Attributes:
        kinds: for each field that chooses among kinds, by its path, how many there are.
        mean: float32 (d,).
        deviation: float32 (d,).
    """

    kinds: dict[str, int]
    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]

    @classmethod
    def measured(cls) -> Traits:
        """Measure what is usual on a sample of characters; always the same one."""
        rng = np.random.default_rng(_SEED)
        character, view = cast_characters(_SAMPLE, rng), look(_SAMPLE, rng)
        kinds = {
            path: int(values.max()) + 1
            for path, values in _columns(character, view)
            if np.issubdtype(values.dtype, np.integer)
        }
        raw = _numbers(character, view, kinds)
        return cls(kinds, raw.mean(axis=0), np.maximum(raw.std(axis=0), _LEAST_DEVIATION))

    def __len__(self) -> int:
        return len(self.mean)

    def of(self, character: Character, view: View) -> NDArray[np.float32]:
        """Tell what is to be seen in faces.

        Args:
            character: n characters.
            view: n views of them.

        Returns:
            float32 (n, d), about normal in every column.
        """
        return (_numbers(character, view, self.kinds) - self.mean) / self.deviation


def _numbers(character: Character, view: View, kinds: dict[str, int]) -> NDArray[np.float32]:
    columns = []
    for path, values in _columns(character, view):
        if path in kinds:
            # A kind that the sample did not have is none of them.
            columns.append((values[:, None] == np.arange(kinds[path])).astype(np.float32))
        else:
            columns.append(values.astype(np.float32).reshape(len(values), -1))
    return np.concatenate(columns, axis=1)


def _columns(character: Character, view: View) -> Iterator[tuple[str, NDArray[np.generic]]]:
    yield from _leaves(character, "")
    for name in _SEEN:
        values = getattr(view, name)
        # What is turned to one side is seen on the other one in a mirror image.
        sign = np.where(view.mirrored, -1, 1) if name in {"yaw", "tilt"} else 1
        yield f"view.{name}", values * sign


def _leaves(rows: Rows, path: str) -> Iterator[tuple[str, NDArray[np.generic]]]:
    for field in fields(rows):
        value = getattr(rows, field.name)
        if isinstance(value, Rows):
            yield from _leaves(value, f"{path}{field.name}.")
        else:
            yield f"{path}{field.name}", value
