"""Backdrops under the sky: clouds, hills, mountains, the sea, a town, trees.

The unit is the height of the picture, the origin its top left corner; `wide` is its width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.drawing.colours import WHITE, Colour, colour, light, mix, shade
from training.drawing.curves import Points, bend, ellipse, points, spline

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator

    from training.drawing.pen import Pen

# The sky at its top and at the horizon, and the colour that the air gives to distant things.
_SKIES: tuple[tuple[Colour, Colour], ...] = (
    (colour("#5aa9ea"), colour("#d8effb")),
    (colour("#7cc4f2"), colour("#fdf3dc")),
    (colour("#6d7fd0"), colour("#fcc9a9")),
    (colour("#f08f6f"), colour("#fde3a6")),
    (colour("#27325f"), colour("#6a76b5")),
    (colour("#9fb4c6"), colour("#e6ebee")),
)
_NIGHT = 4
_LEAVES = tuple(colour(c) for c in ("#6cab55", "#4f9462", "#f6b4c9", "#e59a4c", "#8dbb4d"))
_GRASS = tuple(colour(c) for c in ("#8cc46a", "#a8cf73", "#78b585", "#c9c978"))
_WALLS = tuple(colour(c) for c in ("#b9c3d4", "#d8c9bb", "#a7b3c9", "#c7b3b6", "#9fa8ba"))


def sky(pen: Pen, wide: float, rng: Generator) -> None:
    """Draw a sky of any hour with clouds or stars."""
    _sky(pen, wide, rng)


def hills(pen: Pen, wide: float, rng: Generator) -> None:
    """Draw rolling hills with trees on them."""
    air = _sky(pen, wide, rng)
    grass = _pick(rng, _GRASS)
    for i, level in enumerate((0.56, 0.68, 0.80)):
        tint = mix(grass, air, 0.45 - 0.2 * i)
        ridge = _ridge(rng, wide, level=level, rough=0.05)
        pen.fill(ridge, tint)
        for x in rng.uniform(0.0, wide, size=3):
            _tree(
                pen,
                float(x),
                level + 0.06,
                0.10 + 0.05 * i,
                mix(_pick(rng, _LEAVES), air, 0.3 - 0.1 * i),
            )


def mountains(pen: Pen, wide: float, rng: Generator) -> None:
    """Draw mountains with snow behind a lake."""
    air = _sky(pen, wide, rng)
    rock = colour("#6f7fa6")
    for i in range(4):
        x, tall = float(rng.uniform(0, wide)), float(rng.uniform(0.25, 0.45))
        _mountain(pen, x, 0.68, tall, mix(rock, air, 0.45 - 0.12 * i))
    pen.blend(
        [(0, 0.68), (wide, 0.68), (wide, 1), (0, 1)],
        mix(air, colour("#6fb3d6"), 0.5),
        colour("#4b8ab8"),
    )
    for _ in range(12):
        _dash(pen, float(rng.uniform(0, wide)), float(rng.uniform(0.7, 0.98)), light(air, 0.5))


def sea(pen: Pen, wide: float, rng: Generator) -> None:
    """Draw a beach."""
    air = _sky(pen, wide, rng)
    level = float(rng.uniform(0.48, 0.6))
    water = colour("#3d9ccc")
    pen.blend(
        [(0, level), (wide, level), (wide, 1), (0, 1)], mix(water, air, 0.35), light(water, 0.2)
    )
    for _ in range(16):
        _dash(
            pen, float(rng.uniform(0, wide)), float(rng.uniform(level + 0.01, 0.8)), light(air, 0.7)
        )
    sand = colour("#f2dfb4")
    pen.fill(_ridge(rng, wide, level=0.84, rough=0.02), WHITE)
    pen.fill(_ridge(rng, wide, level=0.88, rough=0.02), sand)


def town(pen: Pen, wide: float, rng: Generator) -> None:
    """Draw a row of houses, taller and paler ones behind."""
    air = _sky(pen, wide, rng)
    for i, (low, high) in enumerate(((0.2, 0.45), (0.42, 0.62))):
        x = -0.05
        while x < wide:
            broad, top = float(rng.uniform(0.12, 0.26)), float(rng.uniform(low, high))
            wall = mix(_pick(rng, _WALLS), air, 0.5 - 0.35 * i)
            _house(pen, x, top, broad, wall, mix(wall, air, 0.5))
            x += broad + 0.01
    street = mix(colour("#8b8d97"), air, 0.25)
    pen.blend([(0, 0.86), (wide, 0.86), (wide, 1), (0, 1)], light(street, 0.15), street)


def grove(pen: Pen, wide: float, rng: Generator) -> None:
    """Draw trees in blossom or leaf, with petals in the air."""
    air = _sky(pen, wide, rng)
    leaves = _pick(rng, _LEAVES)
    pen.fill(_ridge(rng, wide, level=0.78, rough=0.02), mix(_pick(rng, _GRASS), air, 0.15))
    for i, size in enumerate((0.26, 0.34, 0.44)):
        for x in rng.uniform(-0.1, wide + 0.1, size=3):
            _tree(pen, float(x), 0.80 + 0.06 * i, size, mix(leaves, air, 0.4 - 0.18 * i))
    for x, y, angle in zip(
        rng.uniform(0, wide, 22), rng.uniform(0, 1, 22), rng.uniform(0, 180, 22), strict=True
    ):
        pen.moved(x, y, angle=angle).fill(
            ellipse((0, 0), (0.014, 0.007), steps=10), light(leaves, 0.5)
        )


OUTDOORS: tuple[Callable[[Pen, float, Generator], None], ...] = (
    sky,
    hills,
    mountains,
    sea,
    town,
    grove,
)


def _pick(rng: Generator, options: tuple[Colour, ...]) -> Colour:
    return options[int(rng.integers(len(options)))]


def _sky(pen: Pen, wide: float, rng: Generator) -> Colour:
    """Draw the sky and return the colour of the air at the horizon."""
    hour = int(rng.integers(len(_SKIES)))
    top, bottom = _SKIES[hour]
    pen.wash(top, bottom, start=0.0, end=0.8)
    if hour == _NIGHT:
        _stars(pen, wide, rng)
    else:
        for _ in range(int(rng.integers(2, 6))):
            _cloud(pen, float(rng.uniform(0, wide)), float(rng.uniform(0.05, 0.42)), rng, bottom)
    return bottom


def _stars(pen: Pen, wide: float, rng: Generator) -> None:
    for x, y, size in zip(
        rng.uniform(0, wide, 60),
        rng.uniform(0, 0.7, 60),
        rng.uniform(0.001, 0.005, 60),
        strict=True,
    ):
        pen.fill(ellipse((x, y), (size, size), steps=8), colour("#fff6d8"))
    x = float(rng.uniform(0.1, wide - 0.1))
    pen.glow(x, 0.18, 0.28, colour("#fff0c0"), alpha=0.5)
    pen.fill(ellipse((x, 0.18), (0.07, 0.07)), colour("#fff4cf"))


def _cloud(pen: Pen, x: float, y: float, rng: Generator, air: Colour) -> None:
    size = float(rng.uniform(0.05, 0.11))
    lumps = [
        (float(rng.normal(0, 1.2)), float(rng.uniform(-0.5, 0.15)), float(rng.uniform(0.5, 1.0)))
        for _ in range(6)
    ]
    for drop, tint in ((0.22, mix(shade(WHITE, 0.4), air, 0.5)), (0.0, mix(WHITE, air, 0.12))):
        for dx, dy, r in lumps:
            pen.fill(
                ellipse(
                    (x + dx * size, y + (dy + drop) * size),
                    (r * size * 1.25, r * size * 0.8),
                    steps=24,
                ),
                tint,
            )


def _ridge(rng: Generator, wide: float, *, level: float, rough: float) -> Points:
    xs = np.linspace(-0.2, wide + 0.2, 7)
    top = spline(np.stack([xs, level + rng.uniform(-rough, rough, 7)], axis=1), closed=False)
    return points([*top, (wide + 0.2, 1.1), (-0.2, 1.1)])


def _tree(pen: Pen, x: float, y: float, size: float, leaves: Colour) -> None:
    trunk = shade(colour("#9a7458"), 0.4)
    pen.fill(
        [
            (x - 0.08 * size, y),
            (x - 0.05 * size, y - size),
            (x + 0.05 * size, y - size),
            (x + 0.08 * size, y),
        ],
        trunk,
    )
    for lift, tint in ((0.0, shade(leaves, 0.8)), (0.10, leaves), (0.24, light(leaves, 0.2))):
        for dx, dy, r in (
            (-0.34, -0.85, 0.34),
            (0.34, -0.85, 0.34),
            (0.0, -1.10, 0.46),
            (0.0, -0.8, 0.36),
        ):
            radius = r * size * (1 - lift * 1.2)
            pen.fill(
                ellipse(
                    (x + (dx - lift * 0.3) * size, y + (dy - lift * 0.6) * size),
                    (radius, radius * 0.9),
                    steps=20,
                ),
                tint,
            )


def _mountain(pen: Pen, x: float, foot: float, tall: float, rock: Colour) -> None:
    peak = (x, foot - tall)
    pen.fill([(x - tall * 1.1, foot), peak, (x + tall * 1.1, foot)], rock)
    pen.fill([peak, (x + tall * 1.1, foot), (x + tall * 0.2, foot)], shade(rock, 0.5))
    outline = ((0.0, 1.0), (0.33, 0.70), (0.12, 0.76), (0.0, 0.64), (-0.14, 0.78), (-0.33, 0.70))
    snow = [(x + dx * tall, foot - dy * tall) for dx, dy in outline]
    pen.fill(snow, light(rock, 0.85))


def _dash(pen: Pen, x: float, y: float, tint: Colour) -> None:
    size = 0.03 + 0.10 * (y - 0.5)
    pen.stroke(bend((x - size, y), (x, y - 0.004), (x + size, y)), tint, width=0.007, alpha=0.7)


def _house(pen: Pen, x: float, top: float, broad: float, wall: Colour, pane: Colour) -> None:
    pen.fill([(x, top), (x + broad, top), (x + broad, 0.9), (x, 0.9)], wall)
    pen.fill(
        [(x + broad * 0.85, top), (x + broad, top), (x + broad, 0.9), (x + broad * 0.85, 0.9)],
        shade(wall, 0.6),
    )
    step = 0.055
    for row in range(int((0.86 - top) / step)):
        y = top + 0.02 + row * step
        pen.fill(
            [
                (x + broad * 0.12, y),
                (x + broad * 0.74, y),
                (x + broad * 0.74, y + 0.025),
                (x + broad * 0.12, y + 0.025),
            ],
            pane,
        )
