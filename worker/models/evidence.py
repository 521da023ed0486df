"""The evidence in an artifact: what lets anybody check the model without its training data."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from db.errors import ModelError
from worker.models import tensors

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from worker.models.live import Model

MOST_GOLDEN = 16
# How far a confidence may be from what it was where the model was trained. Other processors and
# devices round the network's sums in another order, which moves a confidence by some thousandths at
# the worst; damaged weights, or weights of another network, move it by tenths.
TOLERANCE = 0.05

_LIMIT = 512 << 20
_DTYPES = (tensors.FLOAT32, np.dtype(np.uint8), np.dtype(np.uint64))


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """A few faces with what the model gave to them, and what its hold-out was measured with.

    Attributes:
        golden: uint8 (g, size, size, 3), RGB; 1 to 16 faces that the model proves itself on.
        confidences: float32 (g, k); what the published head gave to them when it was trained.
        trained: uint64 (t,), sorted; the keys of the faces that the judged head was fitted on.
        judged_weight: float32 (d, c); the head that the hold-out was measured with, before it was
            fitted again on everything. c is k, or k + 1 where the head rejects.
        judged_bias: float32 (c,).
    """

    golden: NDArray[np.uint8]
    confidences: NDArray[np.float32]
    trained: NDArray[np.uint64]
    judged_weight: NDArray[np.float32]
    judged_bias: NDArray[np.float32]

    def __post_init__(self) -> None:
        faces, size = self.golden.shape[:2]
        if not 1 <= faces <= MOST_GOLDEN or self.golden.shape[1:] != (size, size, 3):
            raise ValueError(f"golden faces of shape {self.golden.shape} are no 1 to 16 squares")
        if self.confidences.ndim != 2 or len(self.confidences) != faces:  # noqa: PLR2004  # rows and columns
            raise ValueError(f"{faces} golden faces need a row of confidences each")
        if self.trained.ndim != 1 or (self.trained[1:] < self.trained[:-1]).any():
            raise ValueError("the keys of the trained faces are not sorted")
        found = [getattr(self, field.name).dtype for field in fields(self)]
        if found != [np.uint8, np.float32, np.uint64, np.float32, np.float32]:
            raise ValueError(f"evidence is not made of {found}")

    @property
    def digest(self) -> str:
        """SHA-256 over all of it, in hexadecimal; a manifest names its evidence by it."""
        return tensors.digest(self._tensors())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read evidence that may be damaged or hostile.

        Args:
            path: what `save` wrote.

        Returns:
            The evidence.

        Raises:
            ModelError: the file cannot be read, or holds something else.
            ValueError: the parts do not fit each other.
        """
        found = tensors.load(path, limit=_LIMIT, dtypes=_DTYPES)
        wanted = {field.name for field in fields(cls)}
        if found.keys() != wanted:
            raise ModelError(f"{path} holds {sorted(found)}, not {sorted(wanted)}")
        return cls(**found)

    def save(self, path: Path) -> None:
        """Write a safetensors file that appears whole or not at all.

        Args:
            path: the file; its folder is made where it is missing.
        """
        tensors.save(self._tensors(), path)

    def _tensors(self) -> dict[str, NDArray[Any]]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


def prove(model: Model, evidence: Evidence) -> None:
    """Let a loaded model show that it still gives what it gave where it was trained.

    No confidence may be further than `TOLERANCE` from what it was. So the best label is the same
    wherever it led by more than twice that.

    Args:
        model: the model; its network is built if it was not yet.
        evidence: of the artifact that the model was loaded from.

    Raises:
        ModelError: a golden face gets other confidences, or the backbone cannot be loaded.
    """
    found = model.head.confidences(model.embedder.embed(evidence.golden))
    off = np.abs(found - evidence.confidences)
    face, column = np.unravel_index(int(off.argmax()), off.shape)
    if not off[face, column] <= TOLERANCE:
        label = model.head.labels[column]
        raise ModelError(
            f"its golden face {face + 1} of {len(found)} is {label!r} by {found[face, column]:.0%},"
            f" where it was trained by {evidence.confidences[face, column]:.0%}: the backbone or"
            " the device computes something else; train again, or copy backbone and model again"
        )
