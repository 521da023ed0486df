"""Brows, which shine through the fringe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.portraits.easel import curves, tints
from training.portraits.head import EYE_X, EYE_Y, faces_us, onto

if TYPE_CHECKING:
    from numpy.random import Generator

    from training.portraits.character import Character
    from training.portraits.easel.sheet import Sheet
    from training.portraits.view import View

# Half the width of a common eye, and how high brows lie above its middle.
_WIDTH, _ABOVE = 0.27, 0.36


def draw_brows(sheet: Sheet, character: Character, view: View, rng: Generator) -> None:
    """Draw brows in a darker shade of the hair.

    Args:
        sheet: n pictures.
        character: n characters.
        view: n views.
        rng: where chance comes from.
    """
    count = len(view)
    eyes = character.eyes
    colour = tints.mix(tints.shade(character.hair.colour, 0.8 + 0.6 * view.depth), tints.BLACK,
                       0.55 * view.darkness)  # fmt: skip
    thick = eyes.brow * rng.uniform(0.8, 1.25, count)
    high = EYE_Y - (_ABOVE + 0.06 * eyes.height) * view.eyes + rng.normal(0, 0.02, count)
    # Brows rise with surprise, and come down upon eyes that are narrowed.
    high = high - 0.06 * (np.clip(view.lid, 0.4, 1.1) - 0.8)
    half = _WIDTH * eyes.brow_length
    for side in (-1, 1):
        rows = np.flatnonzero(faces_us(side * 0.70 * np.ones(count), view))
        inner = high - view.brow
        outer = high + 0.02 - half * np.sin(np.radians(eyes.brow_slant)) + 0.3 * view.brow
        middle = (inner + outer) / 2 - eyes.brow_arch
        centre = side * EYE_X * eyes.apart * 1.02
        path = curves.bend(
            curves.points((centre - side * half, inner)),
            curves.points((centre + 0.25 * side * half, middle)),
            curves.points((centre + side * half, outer)),
        )
        sheet.stroke(onto(path, view)[rows], colour[rows], width=thick[rows], taper=(0.75, 0.0),
                     rows=rows)  # fmt: skip
