"""Ornaments in the hair: bows, pins, plasters, flowers, stars and beads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.portraits.easel import tints
from training.portraits.easel.curves import ellipse, joined, mirrored, moved, points, spline
from training.portraits.worn.craft import (
    beside,
    cel,
    flat,
    palette,
    rosette,
    seen,
    unsteady,
)
from training.portraits.worn.traits import ORNAMENTS, place_of

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from training.portraits.character import Character
    from training.portraits.easel.sheet import Sheet
    from training.portraits.view import View
    from training.portraits.worn.traits import Worn

    Rows = NDArray[np.intp]
    Numbers = NDArray[np.floating]

_BOWS = place_of(ORNAMENTS, "bow", "bows")
_PINS = place_of(ORNAMENTS, "cross", "bar", "bars", "plaster")
_ROUND = place_of(ORNAMENTS, "flower", "flowers", "star", "ball", "beads")

_LOOP = np.array([(0, -0.06), (0.16, -0.24), (0.36, -0.34), (0.5, -0.24), (0.5, 0.04),
                  (0.44, 0.22), (0.3, 0.2), (0.16, 0.12), (0.04, 0.08), (0, 0.02)],
                 np.float32)  # fmt: skip
_TAIL = np.array([(0, 0), (0.1, 0.1), (0.2, 0.26), (0.34, 0.52), (0.22, 0.5), (0.16, 0.58),
                  (0.1, 0.4), (0.04, 0.26), (0.0, 0.12), (-0.02, 0.04)], np.float32)  # fmt: skip
# Two strokes each: x, y, angle, half the length, width; what has one stroke draws it twice.
_STROKES = np.array([
    [[0, 0, 38, 0.26, 0.085], [0, 0, -42, 0.24, 0.085]],
    [[0, 0, 12, 0.24, 0.11], [0, 0, 12, 0.24, 0.11]],
    [[0, -0.08, 10, 0.24, 0.08], [0.02, 0.1, 6, 0.24, 0.08]],
    [[0, 0, 35, 0.22, 0.16], [0, 0, -55, 0.2, 0.16]],
], np.float32)  # fmt: skip


def draw_ornaments(sheet: Sheet, character: Character, view: View, rng: Generator) -> None:
    """Draw the ornaments of all heads that wear one."""
    kinds, worn = character.worn.ornament, seen(view, 1)
    for these, draw in ((_BOWS, _draw_bows), (_PINS, _draw_pins), (_ROUND, _draw_round)):
        rows = np.flatnonzero(worn & np.isin(kinds, these))
        if len(rows):
            draw(sheet, character.worn.take(rows), view.take(rows), rng, rows)


def bow(
    sheet: Sheet,
    place: tuple[Numbers, Numbers],
    size: Numbers,
    angle: Numbers,
    colour: Numbers,
    knots: Numbers,
    view: View,
    rows: Rows,
) -> None:
    """Draw bows: two tails, two loops and the knot between them.

    Args:
        sheet: where.
        place: x and y of the knot; (m,).
        size: 1 for one as wide as half a head; (m,).
        angle: degrees clockwise; (m,).
        colour: (m, 3).
        knots: how the loops differ from a plain bow's; (m, 10, 2).
        view: m views.
        rows: the pictures; intp (m,).
    """
    dark = tints.shade(colour, 0.4 + view.depth)
    for half, colours in ((_TAIL, tints.mix(colour, dark, 0.5)), (_LOOP, colour)):
        # Both sides are one outline, which passes twice through the knot.
        right = spline(half + knots, steps=2)
        pair = moved(joined(right, mirrored(right)), *place, angle=angle, stretch=(size, size))
        flat(sheet, pair, colours, view, rows=rows)
    fold = joined(_FOLD, mirrored(_FOLD))
    sheet.fill(moved(fold, *place, angle=angle, stretch=(size, size)), dark, rows=rows)
    knot = moved(ellipse(0, 0, 0.1, 0.12, steps=8), *place, angle=angle, stretch=(size, size))
    flat(sheet, knot, colour, view, rows=rows)


def _draw_bows(sheet: Sheet, worn: Worn, view: View, rng: Generator, rows: Rows) -> None:
    colour = palette(worn.accent, rng)
    pair = worn.ornament == _BOWS[1]
    knots = unsteady(worn.knots, rng, 0.02)
    for side in (1, -1):
        drawn = np.flatnonzero(pair | (side > 0))
        if not len(drawn):
            continue
        some, eye = worn.take(drawn), view.take(drawn)
        x, y, depth = _around(some)
        place = beside(points((0, 0)), (side * x, y, depth), eye)[:, 0]
        angle = (side * some.side * (28 * (1 - some.place) + some.lean)).astype(np.float32)
        bow(sheet, (place[:, 0], place[:, 1]), 0.7 * some.size**1.6, angle, colour[drawn],
            knots[drawn], eye, rows[drawn])  # fmt: skip


def _draw_pins(sheet: Sheet, worn: Worn, view: View, rng: Generator, rows: Rows) -> None:
    strokes = _STROKES[np.searchsorted(_PINS, worn.ornament)]
    plaster = (worn.ornament == _PINS[3])[:, None]
    colour = palette(np.where(plaster, _PLASTER, worn.accent), rng)
    x = worn.side * (0.3 + 0.45 * (1 - worn.place))
    y, depth = -0.5 + 0.3 * (1 - worn.place) + worn.low, 0.6 + 0.45 * worn.place
    for index in (0, 1):
        dx, dy, angle, half, wide = (strokes[:, index, i] for i in range(5))
        path = moved(_BAR, stretch=(half, wide))
        path = moved(path, dx, dy, angle=worn.side * angle + worn.lean)
        bar = beside(path, (x, y, depth), view, stretch=(worn.size, worn.size))
        flat(sheet, bar, colour, view, rows=rows)


def _draw_round(sheet: Sheet, worn: Worn, view: View, rng: Generator, rows: Rows) -> None:
    kind = np.searchsorted(_ROUND, worn.ornament)
    many = np.isin(kind, (1, 4))
    depth = np.array([0.45, 0.5, 0.62, 0.0, 0.0], np.float32)[kind]
    outline = rosette(worn.petals, depth)
    colour, middle = palette(worn.accent, rng), palette(worn.second, rng)
    x, y, near = _around(worn)
    for index in range(3):
        drawn = np.flatnonzero(many | (index == 0))
        if not len(drawn):
            return
        some, eye = worn.take(drawn), view.take(drawn)
        size = 0.27 * some.size**1.8 * (1 - 0.22 * index) * np.where(many[drawn], 0.85, 1.0)
        at = (x[drawn] * (1 - 0.05 * index), y[drawn] + 0.3 * index, near[drawn] - 0.1 * index)
        turn = some.lean * 4 + 25 * index
        petals = beside(outline[drawn], at, eye, angle=turn, stretch=(size, size))
        cel(sheet, petals, colour[drawn], eye, rows=rows[drawn])
        # Balls have a small highlight, where flowers have their middle.
        plain = depth[drawn] <= 0
        off = np.where(plain, 0.3, 0.0) * size
        heart = moved(_DISC, off * eye.lit, -off, stretch=(np.where(plain, 0.2, 0.34) * size,) * 2)
        tint = np.where(plain[:, None], tints.light(colour[drawn], 0.6), middle[drawn])
        sheet.fill(beside(heart, at, eye), tint, rows=rows[drawn])


def _around(worn: Worn) -> tuple[Numbers, Numbers, Numbers]:
    """Where ornaments sit, from above the ear to above the forehead: x, y and depth."""
    x = worn.side * (1.08 - 0.5 * worn.place**2)
    y = -0.22 - 0.45 * worn.place + 0.6 * worn.low
    return x, y, 0.25 + 0.45 * worn.place


_FOLD = np.array([[(0.04, -0.03), (0.34, -0.06), (0.3, 0.02), (0.38, 0.08), (0.04, 0.04)]],
                 np.float32)  # fmt: skip
_BAR = np.array([[(-1, -0.35), (-0.8, -0.5), (0.8, -0.5), (1, -0.35), (1, 0.35), (0.8, 0.5),
                  (-0.8, 0.5), (-1, 0.35)]], np.float32)  # fmt: skip
_DISC = ellipse(0, 0, 1, 1, steps=10)
_PLASTER = tints.tints((205.0, 224.0, 240.0))
