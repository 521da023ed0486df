"""A pen: fills, strokes and gradients in the units of whatever is being drawn."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from training.drawing.curves import PathLike, Points, brush, points

if TYPE_CHECKING:
    from collections.abc import Iterator

    from training.drawing.colours import Colour

Pixels = npt.NDArray[np.uint8]

# Fixed-point bits of the coordinates given to OpenCV: a sixteenth of a pixel.
_SHIFT = 4


@dataclass(frozen=True, slots=True)
class Pen:
    """Draws on pixels through an affine frame.

    Attributes:
        pixels: (h, w, 3) uint8, BGR; drawn on in place.
        frame: (2, 3) matrix that takes a column (x, y, 1) of the pen's units to pixels.
    """

    pixels: Pixels
    frame: Points

    @classmethod
    def at(cls, pixels: Pixels, *, x: float, y: float, unit: float) -> Pen:
        """Return a pen whose origin lies at a pixel and whose unit is that many pixels."""
        return cls(pixels, np.array([[unit, 0.0, x], [0.0, unit, y]]))

    def moved(
        self,
        x: float = 0.0,
        y: float = 0.0,
        *,
        angle: float = 0.0,
        stretch: tuple[float, float] = (1.0, 1.0),
    ) -> Pen:
        """Return a pen with its origin at (x, y), turned clockwise by degrees, then stretched."""
        cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        local = np.array(
            [
                [cos * stretch[0], -sin * stretch[1], x],
                [sin * stretch[0], cos * stretch[1], y],
                [0.0, 0.0, 1.0],
            ]
        )
        return Pen(self.pixels, self.frame @ local)

    @property
    def unit(self) -> float:
        """Pixels in one unit: the geometric mean where the frame is stretched."""
        return float(np.sqrt(abs(np.linalg.det(self.frame[:, :2]))))

    def place(self, path: PathLike) -> Points:
        """Return a path of the pen's units in pixels."""
        return points(path) @ self.frame[:, :2].T + self.frame[:, 2]

    def fill(self, shape: PathLike, colour: Colour, *, alpha: float = 1.0) -> None:
        """Fill a closed shape; an alpha below 1 lets what is below show through."""
        if alpha < 1.0:
            with self.inside(shape, alpha=alpha) as inner:
                inner.pixels[...] = np.asarray(colour).round()
        else:
            cv2.fillPoly(self.pixels, [_fixed(self.place(shape))], colour, cv2.LINE_AA, _SHIFT)

    def stroke(
        self,
        path: PathLike,
        colour: Colour,
        *,
        width: float,
        taper: tuple[float, float] = (0.0, 0.0),
        alpha: float = 1.0,
    ) -> None:
        """Draw a brush stroke along a smooth path; see `brush` for width and taper."""
        self.fill(brush(path, width=width, taper=taper), colour, alpha=alpha)

    def line(self, path: PathLike, colour: Colour, *, width: float, closed: bool = False) -> None:
        """Draw a line of even width, at least one pixel wide."""
        thick = max(1, round(width * self.unit))
        if self.pixels.size:
            cv2.polylines(
                self.pixels, [_fixed(self.place(path))], closed, colour, thick, cv2.LINE_AA, _SHIFT
            )

    def paint(
        self, shape: PathLike, colour: Colour, *, edge: Colour | None = None, width: float = 0.035
    ) -> None:
        """Fill a shape and draw its outline."""
        self.fill(shape, colour)
        if edge is not None:
            self.line(shape, edge, width=width, closed=True)

    def blend(self, shape: PathLike, top: Colour, bottom: Colour) -> None:
        """Fill a shape with a gradient along the pen's y axis, over the height of the shape."""
        ys = points(shape)[:, 1]
        low, high = float(ys.min()), float(ys.max())
        with self.inside(shape) as inner:
            inner.wash(top, bottom, start=low, end=high)

    def wash(self, top: Colour, bottom: Colour, *, start: float, end: float) -> None:
        """Cover all pixels with a gradient that runs from y = start to y = end."""
        height, width = self.pixels.shape[:2]
        if not self.pixels.size:
            return
        inverse = np.linalg.inv(np.vstack([self.frame, [0.0, 0.0, 1.0]]))[1]
        scale = 255.0 / (end - start)
        across = (np.arange(width) * inverse[0] * scale).astype(np.float32)
        down = ((np.arange(height) * inverse[1] + inverse[2] - start) * scale).astype(np.float32)
        index = np.clip(down[:, None] + across[None, :], 0, 255).astype(np.uint8)
        steps = np.linspace(0.0, 1.0, 256)[:, None]
        ramp = np.asarray(top) * (1 - steps) + np.asarray(bottom) * steps
        cv2.applyColorMap(index, ramp.round().astype(np.uint8)[:, None, :], self.pixels)

    def glow(self, x: float, y: float, radius: float, colour: Colour, *, alpha: float) -> None:
        """Blend in a soft round spot that fades out towards its radius."""
        corners = [
            (x - radius, y - radius),
            (x + radius, y - radius),
            (x + radius, y + radius),
            (x - radius, y + radius),
        ]
        with self._window(corners) as (inner, before):
            height, width = before.shape[:2]
            centre = inner.place([(x, y)])[0]
            reach = radius * self.unit
            dx = ((np.arange(width) - centre[0]) / reach) ** 2
            dy = ((np.arange(height) - centre[1]) / reach) ** 2
            weight = np.clip(1.0 - dy[:, None] - dx[None, :], 0, 1).astype(np.float32) ** 2
            inner.pixels[...] = np.asarray(colour).round()
            _merge(inner.pixels, before, weight * np.float32(alpha))

    @contextmanager
    def inside(self, shape: PathLike, *, alpha: float = 1.0) -> Iterator[Pen]:
        """Yield a pen whose marks are kept inside a shape only."""
        with self._window(shape) as (inner, before):
            yield inner
            mask = np.zeros(before.shape[:2], dtype=np.uint8)
            if mask.size:
                cv2.fillPoly(mask, [_fixed(inner.place(shape))], (255,), cv2.LINE_AA, _SHIFT)
                _merge(inner.pixels, before, mask.astype(np.float32) * np.float32(alpha / 255.0))

    @contextmanager
    def _window(self, shape: PathLike) -> Iterator[tuple[Pen, Pixels]]:
        placed = self.place(shape)
        height, width = self.pixels.shape[:2]
        x0, y0 = (max(0, int(v) - 1) for v in placed.min(axis=0))
        x1, y1 = (int(v) + 2 for v in placed.max(axis=0))
        view = self.pixels[y0 : max(y0, min(y1, height)), x0 : max(x0, min(x1, width))]
        frame = self.frame - np.array([[0.0, 0.0, x0], [0.0, 0.0, y0]])
        yield Pen(view, frame), view.copy()


def _fixed(placed: Points) -> npt.NDArray[np.int32]:
    return (placed * (1 << _SHIFT)).round().astype(np.int32)


def _merge(after: Pixels, before: Pixels, weight: npt.NDArray[np.float32]) -> None:
    if after.size:
        after[...] = cv2.blendLinear(after, before, weight, 1.0 - weight)
