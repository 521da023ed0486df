"""Colours of many faces at once: float32 (n, 3), blue, green and red from 0 to 255."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Tints = NDArray[np.float32]

WHITE = np.array([255.0, 255.0, 255.0], np.float32)
BLACK = np.array([18.0, 14.0, 20.0], np.float32)

# What shadow does to a surface: cooler and darker, as cel painters choose it.
_SHADOW = np.array([0.80, 0.66, 0.74], np.float32)
# And to skin, as most paint it: pink.
_FLUSH = np.array([0.72, 0.75, 0.90], np.float32)
_INK = np.array([70.0, 50.0, 80.0], np.float32)


def tints(colours: ArrayLike) -> Tints:
    """Give colours as float32 (1 or n, 3)."""
    return np.atleast_2d(np.asarray(colours, np.float32))


def from_hsv(hue: ArrayLike, saturation: ArrayLike, value: ArrayLike) -> Tints:
    """Make colours from hue in degrees, saturation and value from 0 to 1, each (n,)."""
    hsv = np.stack(np.broadcast_arrays(np.mod(hue, 360.0), saturation, value), axis=-1)
    pixels = hsv.astype(np.float32).reshape(-1, 1, 3)
    if not pixels.size:
        return pixels.reshape(0, 3)
    return cv2.cvtColor(pixels, cv2.COLOR_HSV2BGR).reshape(-1, 3) * np.float32(255)


def mix(first: ArrayLike, second: ArrayLike, share: ArrayLike) -> Tints:
    """Blend colours; a share of 0 is the first one, 1 the second; a number or (n,)."""
    part = np.atleast_1d(np.asarray(share, np.float32))[:, None]
    return tints(first) * (1 - part) + tints(second) * part


def shade(base: ArrayLike, amount: ArrayLike = 1.0) -> Tints:
    """Put colours in shadow; an amount of 1 is one cel layer, 2 is deep."""
    power = np.atleast_1d(np.asarray(amount, np.float32))[:, None]
    return tints(base) * _SHADOW**power


def flushed(skin: ArrayLike, amount: ArrayLike = 1.0) -> Tints:
    """Put skin in shadow, pinker than `shade` does; an amount of 1 is one cel layer."""
    power = np.atleast_1d(np.asarray(amount, np.float32))[:, None]
    return tints(skin) * _FLUSH**power


def light(base: ArrayLike, amount: ArrayLike = 0.5) -> Tints:
    """Mix colours with white."""
    return mix(base, WHITE, amount)


def ink(base: ArrayLike, darkness: ArrayLike = 0.5) -> Tints:
    """Colour the outline of a surface.

    Args:
        base: the surface's colour.
        darkness: 0 for hardly darker than the surface, 1 for black.

    Returns:
        float32 (n, 3).
    """
    strength = np.asarray(darkness, np.float32)
    own = shade(mix(base, _INK, 0.35), 0.8 + 3.2 * strength)
    return mix(own, BLACK, np.clip(2 * strength - 1, 0, 1))
