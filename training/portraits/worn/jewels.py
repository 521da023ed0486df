"""Earrings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.portraits.easel.curves import ellipse, points
from training.portraits.head import faces_us
from training.portraits.worn.craft import beside, flat, palette, ring, seen
from training.portraits.worn.traits import EARRINGS, place_of

if TYPE_CHECKING:
    from numpy.random import Generator

    from training.portraits.character import Character
    from training.portraits.easel.sheet import Sheet
    from training.portraits.view import View

# Half the width and height of what hangs, and how far below the lobe its middle is.
_SHAPES = np.array([[0, 0, 0], [0.07, 0.07, 0], [0.07, 0.12, 0.2], [0.14, 0.16, 0.15],
                    [0.06, 0.28, 0.32]], np.float32)  # fmt: skip
_HOOP = int(place_of(EARRINGS, "hoop")[0])
_LOBE = (0.96, 0.5)


def draw_earrings(sheet: Sheet, character: Character, view: View, rng: Generator) -> None:
    """Draw earrings, which hang straight down whatever the head does."""
    worn = (character.worn.earring > 0) & seen(view, 3)
    for side in (-1, 1):
        rows = np.flatnonzero(worn & faces_us(side * 0.8, view))
        if not len(rows):
            continue
        these, eye = character.worn.take(rows), view.take(rows)
        wide, high, below = _SHAPES[these.earring].T * these.size
        swing = np.clip(eye.tilt, -40, 40)
        colour = np.where((these.earring > 1)[:, None], these.accent, these.metal)
        drop = ellipse(0, 0.7 * below, wide, high, steps=10)
        thread = points((0, 0), (0, below))
        at = (side * _LOBE[0], _LOBE[1], 0.05)
        sheet.line(beside(thread, at, eye, angle=-swing), these.metal,
                   width=np.where(below > 0, 0.025, 0.0), rows=rows)  # fmt: skip
        path = beside(drop, at, eye, angle=-swing)
        hoop = these.earring == _HOOP
        hollow = np.flatnonzero(hoop)
        sheet.fill(ring(path[hollow], 0.045), these.metal[hollow], rows=rows[hollow])
        solid = np.flatnonzero(~hoop)
        flat(sheet, path[solid], palette(colour, rng)[solid], eye.take(solid), rows=rows[solid])
