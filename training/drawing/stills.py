"""Things without a face: a table with cups, vases, books and fruit; shapes of no meaning.

The unit is the height of the picture, the origin its top left corner; `wide` is its width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.drawing.colours import CLOTH, Colour, colour, ink, light, shade
from training.drawing.curves import bend, ellipse, points, spline
from training.drawing.indoors import box, plain, room, stripes

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator

    from training.drawing.pen import Pen

_WOOD = colour("#b98a60")
_LEAF = colour("#5f9a5a")


def table(pen: Pen, wide: float, rng: Generator) -> None:
    """Draw a table with things on it, in a room or before a plain wall."""
    (room, plain)[int(rng.integers(2))](pen, wide, rng)
    pen.blend(box(0, 0.72, wide, 1.0), light(_WOOD, 0.25), shade(_WOOD, 0.7))
    pen.fill(box(0, 0.72, wide, 0.735), light(_WOOD, 0.5))
    things = (_cup, _vase, _books, _apple, _lamp)
    count = max(2, round(wide / 0.34))
    for i in range(count):
        x = (i + 0.5 + float(rng.uniform(-0.15, 0.15))) * wide / count
        stand = pen.moved(x, 0.80 + float(rng.uniform(0, 0.08)), stretch=(0.3, 0.3))
        stand.fill(ellipse((0.06, 0.02), (0.36, 0.06)), shade(_WOOD, 1.4), alpha=0.5)
        things[int(rng.integers(len(things)))](stand, _tint(rng))


def shapes(pen: Pen, wide: float, rng: Generator) -> None:
    """Draw overlapping panes of colour."""
    stripes(pen, wide, rng)
    for _ in range(int(rng.integers(5, 11))):
        x, y, size = (
            float(rng.uniform(0, wide)),
            float(rng.uniform(0, 1)),
            float(rng.uniform(0.1, 0.35)),
        )
        count = int(rng.integers(3, 6))
        corners = (np.arange(count) + rng.uniform(-0.3, 0.3, count)) * 2 * np.pi / count
        pane = np.stack([x + size * np.cos(corners), y + size * np.sin(corners)], axis=1)
        pen.fill(pane, _tint(rng), alpha=float(rng.uniform(0.35, 0.9)))


STILLS: tuple[Callable[[Pen, float, Generator], None], ...] = (table, table, shapes)


def _tint(rng: Generator) -> Colour:
    names = tuple(CLOTH)
    return CLOTH[names[int(rng.integers(len(names)))]]


def _cup(pen: Pen, tint: Colour) -> None:
    pen.line(ellipse((0.30, -0.24), (0.13, 0.13)), ink(tint), width=0.07)
    body = spline(
        [(-0.28, -0.45), (0.28, -0.45), (0.25, -0.1), (0.14, 0.02), (-0.14, 0.02), (-0.25, -0.1)]
    )
    pen.paint(body, tint, edge=ink(tint), width=0.03)
    pen.fill([(0.10, -0.40), (0.24, -0.42), (0.20, -0.10), (0.08, -0.02)], shade(tint, 0.8))
    pen.paint(ellipse((0.0, -0.46), (0.28, 0.06)), colour("#7a4b35"), edge=ink(tint), width=0.03)


def _vase(pen: Pen, tint: Colour) -> None:
    for lean in (-0.3, -0.1, 0.12, 0.32):
        pen.stroke(
            bend((0.0, -0.5), (lean * 0.4, -0.9), (lean, -1.15)), _LEAF, width=0.05, taper=(1, 0.6)
        )
        head = pen.moved(lean, -1.2)
        for angle in range(0, 360, 60):
            head.moved(angle=angle).fill(
                ellipse((0, -0.09), (0.06, 0.09), steps=16), light(tint, 0.35)
            )
        head.fill(ellipse((0, 0), (0.06, 0.06), steps=16), colour("#ffe08a"))
    half = [(0.10, -0.62), (0.09, -0.5), (0.26, -0.28), (0.2, -0.02), (0.1, 0.02)]
    body = spline(points([*half, *(points(half)[::-1] * (-1, 1))]))
    pen.paint(body, tint, edge=ink(tint), width=0.03)
    pen.stroke(bend((-0.14, -0.36), (-0.2, -0.24), (-0.13, -0.08)), light(tint, 0.6), width=0.06)


def _books(pen: Pen, tint: Colour) -> None:
    for i, (broad, lean) in enumerate(((0.46, 0.0), (0.42, 0.05), (0.36, -0.03))):
        y, cover = -0.12 * i, shade(light(tint, 0.15 * i), 0.3 * i)
        pen.paint(box(lean - broad, y - 0.12, lean + broad, y), cover, edge=ink(tint), width=0.025)
        pen.fill(
            box(lean + broad * 0.7, y - 0.10, lean + broad * 0.98, y - 0.02), colour("#f7f1e2")
        )


def _apple(pen: Pen, _tint: Colour) -> None:
    red = colour("#d6453f")
    body = spline(
        [
            (0.0, -0.42),
            (0.2, -0.5),
            (0.33, -0.3),
            (0.22, -0.02),
            (0.0, 0.0),
            (-0.22, -0.02),
            (-0.33, -0.3),
            (-0.2, -0.5),
        ]
    )
    pen.paint(body, red, edge=ink(red), width=0.03)
    pen.stroke(bend((-0.2, -0.36), (-0.26, -0.24), (-0.18, -0.12)), light(red, 0.6), width=0.07)
    pen.stroke(
        bend((0.0, -0.42), (0.02, -0.55), (0.08, -0.62)),
        colour("#6a4a32"),
        width=0.05,
        taper=(1, 1),
    )
    pen.fill(spline([(0.06, -0.52), (0.2, -0.66), (0.34, -0.6), (0.2, -0.52)]), _LEAF)


def _lamp(pen: Pen, tint: Colour) -> None:
    brass = colour("#c9a24f")
    pen.paint(box(-0.03, -0.7, 0.03, 0.0), brass, edge=ink(brass), width=0.02)
    pen.paint(ellipse((0.0, 0.0), (0.22, 0.06)), brass, edge=ink(brass), width=0.02)
    pen.glow(0.0, -0.85, 0.9, colour("#fff0c0"), alpha=0.5)
    pen.paint(
        [(-0.18, -1.15), (0.18, -1.15), (0.36, -0.65), (-0.36, -0.65)],
        light(tint, 0.4),
        edge=ink(tint),
        width=0.03,
    )
