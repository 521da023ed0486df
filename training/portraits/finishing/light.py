"""Light that falls on whole pictures: gradients, windows, leaves' shadows, glow and haze.

Each takes uint8 (s, s, 3), BGR, and returns the same shape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

# The value of a light map that changes nothing.
_NEUTRAL = 128

# How often light or shadow has a shape, and how often that shape has soft edges.
_SHAPED, _SOFT = 0.4, 0.5


def cast_light(picture: Pixels, rng: Generator) -> Pixels:
    """Let coloured light from one side fall on a picture, sometimes through something."""
    size = len(picture)
    corners = _NEUTRAL + rng.normal(0, rng.uniform(6, 32), (2, 2, 1))
    corners = corners + rng.normal(0, rng.uniform(0, 14), (2, 2, 3))
    light = np.asarray(cv2.resize(_bytes(corners), (size, size)), np.uint8)
    if rng.random() < _SHAPED:
        light = _shaped(light, rng)
    return np.asarray(cv2.multiply(picture, light, scale=1 / _NEUTRAL), np.uint8)


def bloom(picture: Pixels, rng: Generator) -> Pixels:
    """Let what is bright glow, or lay a soft copy of the picture over it."""
    size = len(picture)
    few = max(4, size // int(rng.integers(4, 12)))
    blurred = cv2.resize(picture, (few, few), interpolation=cv2.INTER_AREA)
    blurred = cv2.resize(blurred, (size, size), interpolation=cv2.INTER_CUBIC)
    share = rng.uniform(0.15, 0.6)
    kept, level = (1.0, -120 * share) if rng.random() < 0.5 else (1 - share, 12.0)  # noqa: PLR2004
    return np.asarray(cv2.addWeighted(picture, kept, blurred, share, level), np.uint8)


def haze(picture: Pixels, rng: Generator) -> Pixels:
    """Lay a veil of one colour over a picture, stronger on one side."""
    size = len(picture)
    colour = rng.integers(0, 256, 3) * 0.4 + rng.choice((0.0, 150.0))
    veil = np.empty_like(picture)
    veil[...] = colour
    ends = rng.uniform(0.0, 0.6, (2, 2)).astype(np.float32)
    share = cv2.resize(ends, (size, size), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.blendLinear(veil, picture, share, 1 - share), np.uint8)


def _shaped(light: Pixels, rng: Generator) -> Pixels:
    """Put bars, leaves or spots of shadow or of light into a light map."""
    size = len(light)
    above = light.copy()
    colour = _bytes(_NEUTRAL * rng.choice((0.45, 0.65, 0.8, 1.3, 1.6)) + rng.normal(0, 12, 3))
    tint = colour.tolist()
    if rng.random() < 0.4:  # noqa: PLR2004  # as often as not
        for x, y, wide, high in rng.uniform(0, size, (int(rng.integers(1, 12)), 4)):
            axes = (int(wide * 0.15) + 2, int(high * 0.15) + 2)
            cv2.ellipse(above, (int(x), int(y)), axes, wide, 0, 360, tint, -1, cv2.LINE_AA)
    else:
        lean, broad = rng.uniform(-size, size), rng.uniform(0.08, 0.6) * size
        for x in rng.uniform(-0.3, 1.3, int(rng.integers(1, 4))) * size:
            bar = ((x, 0), (x + broad, 0), (x + broad + lean, size), (x + lean, size))
            cv2.fillPoly(above, [np.array(bar, np.int32)], tint, cv2.LINE_AA)
    return np.asarray(cv2.blur(above, (9, 9)) if rng.random() < _SOFT else above, np.uint8)


def _bytes(values: NDArray[np.float64]) -> Pixels:
    return np.clip(values, 0, 255).astype(np.uint8)
