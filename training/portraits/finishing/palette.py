"""The colours of whole pictures: moods, tints, contrast, grey and one-coloured art."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from training.portraits.easel.tints import from_hsv

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Matrices = NDArray[np.float64]

# What the eye takes for brightness, of blue, green and red.
_LUMA = np.array([0.114, 0.587, 0.299])

# The share of pictures without colours, in two colours, in a strong mood, too dark, too bright.
_GREY, _TWO_COLOURS, _MOOD, _DARK, _BRIGHT = 0.06, 0.02, 0.28, 0.06, 0.08
_FADED, _CURVED, _POSTER = 0.06, 0.45, 0.02

# The hues of moods, degrees: lamps and evenings, sepia, night, dusk; then any.
_MOODS = (25.0, 35.0, 225.0, 275.0, 330.0)

# The standard deviation of what every picture gets: hue in degrees, the rest in shares. Hue is a
# character's own, and so stays nearly as it is; a mood shifts all hues alike.
_HUE, _SATURATION, _GAIN, _BALANCE, _CROSSTALK = 6.0, 0.22, 0.10, 0.04, 0.025


def recolour(pixels: Pixels, rng: Generator) -> None:
    """Change the colours of every picture.

    Args:
        pixels: uint8 (n, s, s, 3), BGR; changed in place.
        rng: where chance comes from.
    """
    count = len(pixels)
    for picture, matrix in zip(pixels, _matrices(count, rng), strict=True):
        cv2.transform(picture, matrix, picture)
    rows = np.flatnonzero(rng.random(count) < _CURVED)
    for row, table in zip(rows, _tables(len(rows), rng), strict=True):
        pixels[row] = cv2.LUT(pixels[row], table)


def _matrices(count: int, rng: Generator) -> NDArray[np.float32]:
    """Choose matrices that take a column (blue, green, red, 1) to new colours; (n, 3, 4)."""

    def chosen(share: float) -> NDArray[np.bool_]:
        return rng.random(count) < share

    saturation = np.exp(rng.normal(0, _SATURATION, count)).clip(0.35, 1.6)
    saturation[chosen(_GREY)] = 0.0
    linear = _hues(rng.normal(0, _HUE, count)) @ _saturations(saturation)
    linear = linear @ (np.eye(3) + rng.normal(0, _CROSSTALK, (count, 3, 3)))
    two = chosen(_TWO_COLOURS)
    dark, light = _two_colours(count, rng)
    linear[two] = ((light - dark)[:, :, None] * _LUMA)[two] / 255
    shift = np.where(two[:, None], dark, 0.0)
    gain = np.exp(rng.normal(0, _GAIN, (count, 1)) + rng.normal(0, _BALANCE, (count, 3)))
    gain *= np.where(chosen(_DARK), rng.uniform(0.35, 0.8, count), 1.0)[:, None]
    gain *= np.where(chosen(_BRIGHT), rng.uniform(1.15, 1.6, count), 1.0)[:, None]
    gain *= np.where(chosen(_MOOD)[:, None], _moods(count, rng), 1.0)
    # Contrast turns about a level of its own, so that faded pictures are pale or dim.
    contrast = np.exp(rng.normal(0, 0.12, count))
    contrast *= np.where(chosen(_FADED), rng.uniform(0.4, 0.8, count), 1.0)
    pivot = rng.uniform(80, 235, count)
    linear *= (gain * contrast[:, None])[:, :, None]
    shift = shift * gain * contrast[:, None] + ((1 - contrast) * pivot)[:, None]
    return np.concatenate([linear, shift[:, :, None]], axis=2).astype(np.float32)


def _saturations(amount: NDArray[np.float64]) -> Matrices:
    share = amount[:, None, None]
    return np.asarray(share * np.eye(3) + (1 - share) * _LUMA)


def _hues(degrees: NDArray[np.float64]) -> Matrices:
    """Turn colours about the axis of greys, by Rodrigues' formula."""
    angle = np.radians(degrees)[:, None, None]
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    return np.asarray(np.eye(3) * np.cos(angle) + cross * np.sin(angle) + (1 - np.cos(angle)) / 3)


def _moods(count: int, rng: Generator) -> Matrices:
    """Choose the colours of light, brightest channel near 1; (n, 3)."""
    hue = np.where(rng.random(count) < 0.75, rng.choice(_MOODS, count), rng.uniform(0, 360, count))  # noqa: PLR2004
    saturation = rng.beta(1.3, 3.0, count) * 0.7
    value = 1.0 - 0.5 * saturation * rng.random(count)
    return from_hsv(hue + rng.normal(0, 12, count), saturation, value).astype(np.float64) / 255


def _two_colours(count: int, rng: Generator) -> tuple[Matrices, Matrices]:
    """Choose inks and papers, 0 to 255; (n, 3) each."""
    hue = rng.uniform(0, 360, count)
    ink = from_hsv(hue, rng.uniform(0.2, 0.9, count), rng.uniform(0.05, 0.55, count))
    paper = from_hsv(hue + rng.normal(0, 30, count), rng.uniform(0, 0.35, count), 1.0)
    return ink.astype(np.float64), paper.astype(np.float64)


def _tables(count: int, rng: Generator) -> NDArray[np.uint8]:
    """Choose curves of each channel: gamma, and few levels of posters; (n, 256, 1, 3)."""
    level = np.linspace(0.0, 1.0, 256)[None, :, None]
    gamma = np.exp(rng.normal(0, 0.22, (count, 1, 1)) + rng.normal(0, 0.06, (count, 1, 3)))
    curve = level**gamma
    steps = np.where(rng.random(count) < _POSTER / _CURVED, rng.integers(3, 9, count), 255)
    stepped = np.rint(curve * steps[:, None, None]) / steps[:, None, None]
    return np.rint(stepped * 255).astype(np.uint8)[:, :, None, :]
