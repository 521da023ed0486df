"""A pen that knows the hair it draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.drawing.colours import HAIR, Colour, ink, light, shade
from training.drawing.curves import Points, points

if TYPE_CHECKING:
    from training.drawing.character import Hair
    from training.drawing.pen import Pen


@dataclass(frozen=True, slots=True)
class Strands:
    """A pen that knows the hair it draws.

    Attributes:
        pen: in the units of the head.
        hair: colours and measures.
        breeze: how far hanging hair is blown sideways, -1 to 1.
        tie: the colour of what holds the hair together.
    """

    pen: Pen
    hair: Hair
    breeze: float
    tie: Colour

    def mass(self, shape: Points, *, depth: float = 0.55) -> None:
        """Draw a mass of hair in the shade of the head, running into the colour of the tips."""
        base, tips = (HAIR[name] for name in (self.hair.colour, self.hair.tips))
        shape = self._blown(shape)
        self.pen.blend(shape, shade(base, depth), shade(tips, depth * 0.6))
        self.pen.line(shape, ink(base), width=0.035, closed=True)

    def strand(self, path: Points, *, width: float = 0.04) -> None:
        """Draw a dark line along the fall of the hair."""
        tint = shade(HAIR[self.hair.colour], 1.7)
        self.pen.stroke(self._blown(path), tint, width=width)

    def gloss(self, path: Points, *, width: float = 0.07) -> None:
        """Draw a light line along the fall of the hair."""
        self.pen.stroke(self._blown(path), light(HAIR[self.hair.colour], 0.3), width=width)

    def mirrored(self) -> Strands:
        """Return the strands of the other side; the breeze still blows the same way."""
        return Strands(self.pen.moved(stretch=(-1, 1)), self.hair, -self.breeze, self.tie)

    def _blown(self, path: Points) -> Points:
        sway = 0.10 * self.breeze * np.maximum(path[:, 1], 0.0) ** 1.3
        return points(path + np.stack([sway, np.zeros_like(sway)], axis=1))
