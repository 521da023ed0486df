"""What comes between an onlooker and a face; above all hands, and things they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.portraits.body.foreground import (
    any_colours,
    draw_bars,
    draw_box,
    draw_head,
    draw_petals,
    draw_writing,
)
from training.portraits.easel import tints
from training.portraits.easel.curves import bend, brush, moved, points, spline
from training.portraits.worn.craft import cel, flat, palette, unsteady

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from training.portraits.character import Character
    from training.portraits.easel.sheet import Sheet
    from training.portraits.view import View

    Rows = NDArray[np.intp]
    Numbers = NDArray[np.floating]

# What comes before a face, and in how many of a hundred pictures.
_KINDS = {"nothing": 81, "hand": 5, "held": 4, "head": 2, "bars": 1.5, "box": 0.7, "writing": 2.5,
          "petals": 3}  # fmt: skip

# Things held, ten knots each about their middle; the unit is half a head.
_THINGS = np.array([
    # a phone, a cup, an open book, a microphone, a fan, a fruit or sweet, a sheet of paper, a blade
    [(-0.24, -0.46), (0, -0.48), (0.24, -0.46), (0.26, -0.2), (0.26, 0.2),
     (0.24, 0.46), (0, 0.48), (-0.24, 0.46), (-0.26, 0.2), (-0.26, -0.2)],
    [(-0.3, -0.3), (0, -0.27), (0.3, -0.3), (0.3, -0.1), (0.28, 0.15),
     (0.22, 0.36), (0, 0.4), (-0.22, 0.36), (-0.28, 0.15), (-0.3, -0.1)],
    [(-0.85, -0.4), (-0.4, -0.48), (0, -0.36), (0.4, -0.48), (0.85, -0.4),
     (0.85, 0.3), (0.4, 0.24), (0, 0.36), (-0.4, 0.24), (-0.85, 0.3)],
    [(-0.2, -0.5), (0, -0.6), (0.2, -0.5), (0.24, -0.3), (0.15, -0.12),
     (0.1, 0.7), (0, 0.75), (-0.1, 0.7), (-0.15, -0.12), (-0.24, -0.3)],
    [(-0.8, -0.3), (-0.4, -0.6), (0, -0.68), (0.4, -0.6), (0.8, -0.3),
     (0.4, 0.0), (0.1, 0.4), (0, 0.5), (-0.1, 0.4), (-0.4, 0.0)],
    [(-0.2, -0.32), (0, -0.38), (0.2, -0.32), (0.36, -0.1), (0.34, 0.15),
     (0.2, 0.32), (0, 0.38), (-0.2, 0.32), (-0.34, 0.15), (-0.36, -0.1)],
    [(-0.6, -0.4), (-0.2, -0.42), (0.2, -0.4), (0.6, -0.42), (0.62, 0),
     (0.6, 0.42), (0.2, 0.4), (-0.2, 0.42), (-0.6, 0.4), (-0.62, 0)],
    [(-0.06, -1.2), (0.02, -1.4), (0.08, -1.2), (0.09, -0.6), (0.1, 0.4),
     (0.1, 1.2), (0, 1.3), (-0.1, 1.2), (-0.1, 0.4), (-0.08, -0.6)],
], np.float32)  # fmt: skip

# A hand whose fingers point up, its wrist at the origin: the palm, then the roots of the fingers,
# their lengths, and their angles where it is spread.
_PALM = np.array([(-0.15, 0.05), (-0.24, -0.2), (-0.26, -0.42), (-0.1, -0.5), (0.1, -0.5),
                  (0.24, -0.42), (0.22, -0.15), (0.15, 0.05), (0.16, 0.8), (-0.16, 0.8)],
                 np.float32)  # fmt: skip
_ROOTS = np.array([(0.19, -0.42), (0.07, -0.46), (-0.06, -0.46), (-0.18, -0.4), (0.2, -0.18)],
                  np.float32)  # fmt: skip
_REACH = np.array([0.36, 0.42, 0.4, 0.3, 0.3], np.float32)
_SPREAD = np.array([7, 1, -5, -11, 42], np.float32)


def draw_hands(sheet: Sheet, character: Character, view: View, rng: Generator) -> None:
    """Put something before some of the faces.

    Args:
        sheet: where.
        character: n characters; hands have their skin.
        view: n views of them.
        rng: where chance comes from.
    """
    shares = np.array(list(_KINDS.values()))
    kinds = rng.choice(len(shares), len(view), p=shares / shares.sum())
    drawers = (_draw_hand, _draw_held, draw_head, draw_bars, draw_box, draw_writing,
               draw_petals)  # fmt: skip
    for kind, draw in enumerate(drawers, start=1):
        rows = np.flatnonzero(kinds == kind)
        if len(rows):
            draw(sheet, character.take(rows), view.take(rows), rng, rows)


def _draw_hand(sheet: Sheet, character: Character, view: View, rng: Generator, rows: Rows) -> None:
    """A hand at the cheek, at the chin, at the mouth or in the hair."""
    side = rng.choice((-1.0, 1.0), len(rows))
    out = rng.uniform(0, 1, len(rows))
    at = (side * (0.25 + 0.8 * out), 1.6 - 0.6 * out * rng.random(len(rows)))
    _hand(sheet, character, view, at, side * rng.uniform(-50, 25, len(rows)), side, rng, rows)


def _draw_held(sheet: Sheet, character: Character, view: View, rng: Generator, rows: Rows) -> None:
    """A thing held up before the face, and the hand that holds it."""
    count = len(rows)
    side = rng.choice((-1.0, 1.0), count)
    x, y = side * rng.uniform(0.1, 0.95, count), rng.uniform(0.75, 1.3, count)
    size, angle = rng.uniform(0.7, 1.25, count), rng.normal(0, 18, count)
    kind = rng.integers(len(_THINGS), size=count)
    outline = unsteady(_THINGS[kind], rng, 0.02)
    # Phones, paper and blades have corners; cups and fruit are round.
    path = np.where(np.isin(kind, (0, 2, 6, 7))[:, None, None], _finer(outline),
                    spline(outline, steps=2))  # fmt: skip
    colour = any_colours(count, rng)
    cel(sheet, moved(path, x, y, angle=angle, stretch=(size, size)), colour, view, rows=rows)
    inner = moved(path, x, y - 0.06 * size, angle=angle, stretch=(0.55 * size, 0.5 * size))
    sheet.fill(inner, palette(character.worn.second, rng), rows=rows)
    low = (x + side * 0.15, y + 0.45)
    _hand(sheet, character, view, low, -side * rng.uniform(0, 60, count), side, rng, rows)


def _hand(
    sheet: Sheet,
    character: Character,
    view: View,
    at: tuple[Numbers, Numbers],
    angle: Numbers,
    side: Numbers,
    rng: Generator,
    rows: Rows,
) -> None:
    """Draw hands: the thumb towards `side`, the wrist at `at`, turned by degrees."""
    gloved = rng.random(len(rows)) < 0.15  # noqa: PLR2004  # a few of them
    skin = np.where(gloved[:, None], character.worn.second, palette(character.face.skin, rng))
    size = rng.uniform(0.9, 1.35, len(rows))
    curl = rng.uniform(0.45, 1.1, len(rows))
    dark = tints.shade(skin, 0.3 + 0.7 * view.depth)
    palm = moved(spline(_PALM, steps=2), *at, angle=angle, stretch=(side * size, size))
    flat(sheet, palm, skin, view, rows=rows)
    fan = rng.uniform(0.3, 2.2, len(rows))
    for root, reach, spread in zip(_ROOTS, _REACH, _SPREAD, strict=True):
        bow = np.radians(spread * fan + rng.normal(0, 5, len(rows)))
        length = reach * curl * (1 + rng.normal(0, 0.06, len(rows)))
        tip = (root[0] + length * np.sin(bow), root[1] - length * np.cos(bow))
        bent = (0.5 * (root[0] + tip[0]) + 0.02, 0.5 * (root[1] + tip[1]))
        finger = bend(points(tuple(root)), points(bent), points(tip), steps=4)
        path = moved(finger, *at, angle=angle, stretch=(side * size, size))
        flat(sheet, brush(path, width=0.13 * size, taper=(0.9, 0.75)), skin, view, rows=rows)
    back = moved(_BACK, *at, angle=angle, stretch=(side * size, size))
    sheet.fill(back, dark, rows=rows)


def _finer(path: NDArray[np.float32]) -> NDArray[np.float32]:
    """Put a point between every two, so that straight outlines have as many as smooth ones."""
    between = (path + np.roll(path, -1, axis=1)) / 2
    return np.stack([path, between], axis=2).reshape(len(path), -1, 2)


_BACK = np.array([[(-0.2, -0.1), (-0.14, -0.3), (-0.06, -0.1), (-0.1, 0.8), (-0.17, 0.8)]],
                 np.float32)  # fmt: skip
