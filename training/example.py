"""An example: a face to learn from, wherever it came from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from db.records import Crop


@dataclass(frozen=True, slots=True)
class Example:
    """A face and what is known of it.

    Attributes:
        crop: the face's pixels with a margin.
        label: what it shows; None where only the contrary is known.
        origin: where it came from, for people: a path, or the number of a stored face.
        not_labels: labels that it is known not to have. An example with neither a label nor any of
            these is known to be no face at all, or a face that no label shall ever be given to.
    """

    crop: Crop
    label: str | None
    origin: str
    not_labels: tuple[str, ...] = ()

    @property
    def rejected(self) -> bool:
        """Whether no label fits."""
        return self.label is None and not self.not_labels

    @property
    def key(self) -> int:
        """Names the pixels: 64 bits of their SHA-256, the same wherever they came from."""
        box = self.crop.inner
        corners = f"{box.x0},{box.y0},{box.x1},{box.y1}"
        sha = hashlib.sha256(self.crop.jpeg + corners.encode())
        return int.from_bytes(sha.digest()[:8], "little")
