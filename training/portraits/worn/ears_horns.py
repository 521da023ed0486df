"""Ears of animals, horns and feelers; the outlines of the right one are rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.portraits.easel import tints
from training.portraits.easel.curves import spline
from training.portraits.worn.craft import beside, cel, palette, seen, unsteady
from training.portraits.worn.traits import HEADWEAR, place_of

if TYPE_CHECKING:
    from numpy.random import Generator

    from training.portraits.character import Character
    from training.portraits.easel.sheet import Sheet
    from training.portraits.view import View

_KINDS = place_of(HEADWEAR, "cat", "fox", "bunny", "dog", "bear", "ram", "straight", "demon",
                  "stub", "fin", "antenna")  # fmt: skip
_EARS = 5

# Ten knots about the base, which lies at the origin; up and outwards is up and right.
_OUTLINES = np.array([
    [(-0.34, 0.1), (-0.28, -0.25), (-0.08, -0.6), (0.08, -0.76), (0.2, -0.6),
     (0.32, -0.3), (0.36, 0.05), (0.2, 0.14), (0, 0.16), (-0.2, 0.14)],
    [(-0.32, 0.1), (-0.3, -0.4), (-0.12, -0.85), (0.05, -1.1), (0.22, -0.85),
     (0.4, -0.4), (0.42, 0.05), (0.2, 0.14), (0, 0.16), (-0.2, 0.14)],
    [(-0.14, 0.1), (-0.22, -0.5), (-0.2, -1.0), (-0.02, -1.4), (0.18, -1.0),
     (0.22, -0.5), (0.16, 0.08), (0.08, 0.12), (0, 0.14), (-0.08, 0.12)],
    [(-0.3, -0.12), (-0.05, -0.3), (0.25, -0.28), (0.48, 0.02), (0.56, 0.45),
     (0.44, 0.82), (0.22, 0.78), (0.1, 0.4), (-0.02, 0.12), (-0.2, 0.04)],
    [(-0.26, 0.12), (-0.34, -0.12), (-0.24, -0.36), (0, -0.46), (0.24, -0.38),
     (0.36, -0.14), (0.3, 0.1), (0.16, 0.16), (0, 0.18), (-0.14, 0.16)],
    [(-0.2, -0.05), (0.1, -0.32), (0.48, -0.3), (0.68, 0.05), (0.58, 0.4),
     (0.2, 0.48), (0.36, 0.26), (0.42, 0.06), (0.28, -0.04), (0.0, 0.16)],
    [(-0.12, 0.1), (-0.1, -0.2), (-0.03, -0.6), (0.05, -1.0), (0.1, -1.1),
     (0.13, -0.9), (0.16, -0.5), (0.18, -0.1), (0.15, 0.1), (0, 0.14)],
    [(-0.16, 0.1), (0.0, -0.15), (0.3, -0.3), (0.52, -0.52), (0.5, -0.95),
     (0.72, -0.6), (0.66, -0.25), (0.4, 0.0), (0.16, 0.14), (0, 0.15)],
    [(-0.13, 0.1), (-0.12, -0.1), (-0.05, -0.3), (0.04, -0.46), (0.1, -0.46),
     (0.14, -0.3), (0.17, -0.1), (0.16, 0.08), (0.08, 0.13), (0, 0.14)],
    [(-0.2, 0.1), (0.05, -0.2), (0.45, -0.5), (0.85, -0.62), (0.62, -0.32),
     (0.78, -0.1), (0.5, 0.02), (0.55, 0.24), (0.22, 0.16), (0, 0.16)],
    [(-0.04, 0.1), (-0.02, -0.3), (0.1, -0.7), (0.4, -0.98), (0.56, -0.9),
     (0.54, -0.76), (0.42, -0.84), (0.18, -0.62), (0.06, -0.25), (0.05, 0.1)],
], np.float32)  # fmt: skip
# Where the base is: x, y and depth; and the angle in degrees outwards.
_BASES = np.array([
    [0.72, -0.78, 0.15, 16], [0.74, -0.74, 0.1, 24], [0.42, -0.9, 0.1, 14], [0.92, -0.5, 0.1, 0],
    [0.84, -0.74, 0.1, 34], [0.98, -0.42, 0.2, 0], [0.7, -0.66, 0.35, 30], [0.86, -0.5, 0.25, 30],
    [0.42, -0.62, 0.75, 14], [1.0, 0.0, -0.1, 14], [0.3, -0.85, 0.4, 10],
], np.float32)  # fmt: skip


def draw_ears(sheet: Sheet, character: Character, view: View, rng: Generator) -> None:
    """Draw ears of animals, horns and feelers, a pair a head."""
    rows = np.flatnonzero(seen(view, 0) & np.isin(character.worn.headwear, _KINDS))
    if not len(rows):
        return
    worn, eye, hair = character.worn.take(rows), view.take(rows), character.hair.colour[rows]
    kind = np.searchsorted(_KINDS, worn.headwear)
    ear = (kind < _EARS)[:, None]
    # Ears mostly have the hair's colour, horns are of bone, or of any colour.
    base = np.where(ear, tints.mix(hair, worn.second, (worn.petals > 6) * 0.8),  # noqa: PLR2004
                    tints.mix(worn.metal, _BONE, (worn.petals < 6) * 0.9))  # fmt: skip  # noqa: PLR2004
    colour = palette(base, rng)
    inner = tints.mix(colour, _PINK, 0.6)
    knots = unsteady(_OUTLINES[kind] + worn.knots, rng, 0.018)
    base_at, swing = _BASES[kind], rng.normal(0, 7, (2, len(rows)))
    for index, side in enumerate((-1, 1)):
        place = (side * base_at[:, 0], base_at[:, 1] + 0.6 * worn.low, base_at[:, 2])
        angle = side * (base_at[:, 3] + 0.6 * worn.lean) + swing[index]
        outline = beside(spline(knots, steps=2), place, eye, angle=angle,
                         stretch=(side * worn.size, worn.size))  # fmt: skip
        cel(sheet, outline, colour, eye, rows=rows)
        has = np.flatnonzero(ear[:, 0])
        small = (side * 0.62 * worn.size, 0.68 * worn.size)
        hollow = beside(spline(knots, steps=2), place, eye, angle=angle, stretch=small)
        sheet.fill(hollow[has], inner[has], rows=rows[has])


_BONE = tints.tints((214.0, 228.0, 238.0))
_PINK = tints.tints((190.0, 170.0, 245.0))
