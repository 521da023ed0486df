"""Patterns behind faces: stripes, dots, speed lines, lights out of focus, facets, brush strokes.

Each takes a palette, uint8 (k, 3), k at least 2, and returns uint8 (64 or 96, same, 3), BGR.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import ArrayLike, NDArray

    Pixels = NDArray[np.uint8]
    Pattern = Callable[[Pixels, Generator], Pixels]

# Where the pixels of a pattern are, -1 to 1.
_SIDE = 64
_PLACES = ((np.arange(_SIDE, dtype=np.float32) + 0.5) / _SIDE * 2 - 1).astype(np.float32)
_X, _Y = np.meshgrid(_PLACES, _PLACES)


def stripes(palette: Pixels, rng: Generator) -> Pixels:
    """Draw even stripes at an angle, repeating the palette."""
    angle, period = rng.uniform(0, np.pi), rng.uniform(0.08, 0.7)
    along = (_X * np.cos(angle) + _Y * np.sin(angle)) / period + rng.uniform(0, 1)
    return _coloured(palette, np.floor(along))


def checks(palette: Pixels, rng: Generator) -> Pixels:
    """Draw a chequered cloth, or the bars of a window where one direction is narrow."""
    u, v = _turned(rng)
    duty = rng.uniform(0.2, 0.8, 2)
    crossed = (u % 1 < duty[0]).astype(np.intp) + (v % 1 < duty[1])
    return _coloured(palette, crossed)


def dots(palette: Pixels, rng: Generator) -> Pixels:
    """Draw dots in rows, or rings."""
    u, v = _turned(rng)
    square = (u % 1 - 0.5) ** 2 + (v % 1 - 0.5) ** 2
    radius = rng.uniform(0.2, 0.45)
    inner = radius * rng.choice((0.0, 0.0, 0.7))
    return _coloured(palette, (square < radius**2) & (square >= inner**2))


def rays(palette: Pixels, rng: Generator) -> Pixels:
    """Draw rays, or the uneven speed lines of manga, out of one point."""
    x, y = rng.uniform(-0.8, 0.8, 2).astype(np.float32)
    turn = np.arctan2(_Y - y, _X - x) / (2 * np.pi) + 0.5
    count = int(rng.integers(8, 60))
    fan = rng.integers(len(palette), size=count + 1)
    return _coloured(palette, fan[(turn * count).astype(np.intp)])


def lights(palette: Pixels, rng: Generator) -> Pixels:
    """Draw lights out of focus, bubbles or petals."""
    canvas = np.empty((_SIDE, _SIDE, 3), np.uint8)
    canvas[...] = palette[0]
    for x, y, radius, tint in zip(*_scattered(palette, rng, count=12), strict=True):
        before = canvas.copy()
        cv2.circle(canvas, (x, y), radius, tint, -1, cv2.LINE_AA)
        share = 0.3 + 0.6 * radius / 12
        cv2.addWeighted(canvas, min(share, 1.0), before, max(1.0 - share, 0.0), 0.0, canvas)
    return canvas


def facets(palette: Pixels, rng: Generator) -> Pixels:
    """Draw overlapping polygons: walls, furniture, leaves, whatever is near."""
    canvas = np.empty((96, 96, 3), np.uint8)
    canvas[...] = palette[0]
    corners = rng.integers(-30, 126, size=(int(rng.integers(3, 10)), 4, 2), dtype=np.int32)
    tints = palette[rng.integers(len(palette), size=len(corners))].tolist()
    for corner, tint in zip(corners, tints, strict=True):
        cv2.fillPoly(canvas, [corner[: 3 + tint[0] % 2]], tint, cv2.LINE_AA)
    return canvas


def strokes(palette: Pixels, rng: Generator) -> Pixels:
    """Draw loose strokes of a broad brush, all about one way."""
    canvas = np.empty((_SIDE, _SIDE, 3), np.uint8)
    canvas[...] = palette[0]
    lean = rng.normal(0, 20, 2)
    starts = rng.integers(0, _SIDE, size=(16, 2))
    ends = (starts + lean + rng.normal(0, 8, (16, 2))).astype(np.intp)
    tints = palette[rng.integers(len(palette), size=16)].tolist()
    width = int(rng.integers(1, 8))
    for start, end, tint in zip(starts.tolist(), ends.tolist(), tints, strict=True):
        cv2.line(canvas, start, end, tint, width, cv2.LINE_AA)
    return canvas


PATTERNS: tuple[Pattern, ...] = (stripes, checks, dots, rays, lights, facets, strokes)


def _coloured(palette: Pixels, places: ArrayLike) -> Pixels:
    """Look up colours; places beyond the palette start over."""
    within = np.asarray(places).astype(np.intp) % len(palette)
    return np.asarray(palette[within], np.uint8)


def _turned(rng: Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The places of the pixels on a grid that is turned and shifted by chance."""
    angle, period = rng.uniform(0, np.pi), rng.uniform(0.08, 0.5)
    cos, sin = np.float32(np.cos(angle) / period), np.float32(np.sin(angle) / period)
    shift = rng.uniform(0, 1, 2).astype(np.float32)
    return cos * _X + sin * _Y + shift[0], cos * _Y - sin * _X + shift[1]


def _scattered(
    palette: Pixels, rng: Generator, *, count: int
) -> tuple[list[int], list[int], list[int], list[list[int]]]:
    """Places, radii and colours of some round things."""
    x, y = rng.integers(0, _SIDE, size=(2, count)).tolist()
    radii = np.ceil(rng.gamma(2.0, rng.uniform(0.8, 4.0), count)).astype(int).tolist()
    return x, y, radii, palette[rng.integers(len(palette), size=count)].tolist()
