"""Sweat and tears, which come and go with the mood of a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.portraits.easel import curves, tints
from training.portraits.head import EYE_X, EYE_Y, faces_us, onto

if TYPE_CHECKING:
    from numpy.random import Generator

    from training.portraits.easel.sheet import Sheet
    from training.portraits.view import View

# The share of pictures with tears in the eyes, running down, and with a drop of sweat.
_WET, _CRYING, _SWEATING = 0.03, 0.02, 0.03

# A drop of height 1, its tip at the origin.
_DROP = np.array(
    [(0.0, 0.0), (0.10, 0.30), (0.28, 0.62), (0.24, 0.90), (0.0, 1.0), (-0.24, 0.90),
     (-0.28, 0.62), (-0.10, 0.30)], np.float32
)  # fmt: skip
_WATER = (250.0, 236.0, 215.0)


def draw_drops(sheet: Sheet, view: View, rng: Generator) -> None:
    """Draw tears and sweat.

    Args:
        sheet: n pictures.
        view: n views.
        rng: where chance comes from.
    """
    count = len(view)
    chance = rng.random(count)
    crying = chance < _CRYING
    wet = chance < _CRYING + _WET
    for side in (-1, 1):
        seen = faces_us(side * 0.70 * np.ones(count), view)
        _drops(
            sheet, view, rng, np.flatnonzero(wet & seen), (side * EYE_X * 1.3, EYE_Y + 0.08, 0.2)
        )
        _drops(sheet, view, rng, np.flatnonzero(crying & seen), (side * EYE_X, EYE_Y + 0.24, 0.45))
    sweating = rng.random(count) < _SWEATING
    for side in (-1, 1):
        rows = np.flatnonzero(sweating & (view.lit * side > 0))
        _drops(sheet, view, rng, rows, (side * 0.74, EYE_Y + 0.1, 0.24))


def _drops(
    sheet: Sheet,
    view: View,
    rng: Generator,
    rows: np.ndarray[tuple[int], np.dtype[np.intp]],
    place: tuple[float, float, float],
) -> None:
    if not len(rows):
        return
    x, y, height = (value + rng.normal(0, 0.03, len(rows)) for value in place)
    shape = onto(curves.moved(_DROP, x, y, stretch=(0.6 * height, height)), view.take(rows))
    edge = tints.shade(tints.tints(_WATER), 1.5)
    sheet.fill(curves.grown(shape, 0.02), edge, alpha=0.8, rows=rows)
    sheet.fill(shape, _WATER, rows=rows)
