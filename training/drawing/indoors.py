"""Backdrops under a roof and of no place at all: rooms, a classroom, patterns, soft lights.

The unit is the height of the picture, the origin its top left corner; `wide` is its width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.drawing.colours import WHITE, Colour, colour, light, mix, shade
from training.drawing.curves import Points, ellipse, points, spline

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator

    from training.drawing.pen import Pen

_PASTELS = tuple(
    colour(code)
    for code in (
        "#f7d6dc",
        "#d5e6f6",
        "#dcefd9",
        "#f9eacb",
        "#e4daf3",
        "#cfe9e6",
        "#f5e1d2",
        "#dfe3ee",
    )
)
_WOODS = tuple(colour(code) for code in ("#c79a6b", "#a97b55", "#dcb98a", "#8c6a52"))
_BOARD = colour("#48705f")
_BOOKS = tuple(
    colour(code) for code in ("#c95d5d", "#5d86b8", "#e0b45c", "#6fa27a", "#8d77b0", "#e9e2d4")
)


def plain(pen: Pen, _wide: float, rng: Generator) -> None:
    """Draw a gradient between two pastel colours."""
    first, second = _two(rng)
    pen.wash(shade(first, float(rng.uniform(0, 1))), light(second, 0.2), start=0.0, end=1.0)


def room(pen: Pen, wide: float, rng: Generator) -> None:
    """Draw a wall with a window, a shelf and a floor."""
    wall, cloth = _two(rng)
    pen.wash(light(wall, 0.15), shade(wall, 0.35), start=0.0, end=1.0)
    wood = _pick(rng, _WOODS)
    pen.fill(box(0, 0.86, wide, 1.0), wood)
    pen.fill(box(0, 0.84, wide, 0.865), light(wood, 0.5))
    x = float(rng.uniform(0.0, wide - 0.5))
    _window(pen, x, 0.12, 0.5, 0.45, cloth)
    away = (x + 0.75) % max(wide - 0.2, 0.3)
    _shelf(pen, away, float(rng.uniform(0.3, 0.5)), rng, wood)


def classroom(pen: Pen, wide: float, rng: Generator) -> None:
    """Draw a blackboard with chalk lines above desks."""
    wall = _pick(rng, _PASTELS)
    pen.wash(light(wall, 0.4), wall, start=0.0, end=1.0)
    wood = _pick(rng, _WOODS)
    pen.fill(box(0.06, 0.10, wide - 0.06, 0.58), wood)
    pen.blend(box(0.09, 0.13, wide - 0.09, 0.55), _BOARD, shade(_BOARD, 0.5))
    for _ in range(5):
        x, y = float(rng.uniform(0.12, wide - 0.4)), float(rng.uniform(0.18, 0.5))
        wave = [(x + 0.04 * i, y + float(rng.uniform(-0.008, 0.008))) for i in range(6)]
        pen.stroke(spline(wave, closed=False), WHITE, width=0.007, alpha=0.7)
    for x in np.arange(0.0, wide, 0.34):
        pen.fill(box(x + 0.03, 0.80, x + 0.29, 0.84), light(wood, 0.25))
        pen.fill(box(x + 0.05, 0.84, x + 0.07, 1.0), shade(wood))
        pen.fill(box(x + 0.25, 0.84, x + 0.27, 1.0), shade(wood))


def stripes(pen: Pen, wide: float, rng: Generator) -> None:
    """Draw slanted stripes."""
    first, second = _two(rng)
    pen.wash(first, light(first, 0.4), start=0.0, end=1.0)
    step, lean = float(rng.uniform(0.08, 0.2)), float(rng.uniform(-0.6, 0.6))
    for x in np.arange(-0.8, wide + 0.8, step):
        pen.fill(
            [(x, 0), (x + step / 2, 0), (x + step / 2 + lean, 1), (x + lean, 1)], second, alpha=0.6
        )


def dots(pen: Pen, wide: float, rng: Generator) -> None:
    """Draw an even pattern of dots."""
    first, second = _two(rng)
    pen.wash(first, light(first, 0.35), start=0.0, end=1.0)
    step = float(rng.uniform(0.09, 0.16))
    for row, y in enumerate(np.arange(0.0, 1.0 + step, step)):
        for x in np.arange(0.0, wide + step, step):
            pen.fill(
                ellipse((x + step / 2 * (row % 2), y), (step * 0.22, step * 0.22), steps=18),
                light(second, 0.3),
            )


def checks(pen: Pen, wide: float, rng: Generator) -> None:
    """Draw crossing bands as on a tablecloth."""
    first, second = _two(rng)
    pen.wash(light(first, 0.5), light(first, 0.5), start=0.0, end=1.0)
    step = float(rng.uniform(0.12, 0.22))
    for x in np.arange(0.0, wide, step):
        pen.fill(box(x, 0, x + step / 2, 1), second, alpha=0.45)
    for y in np.arange(0.0, 1.0, step):
        pen.fill(box(0, y, wide, y + step / 2), second, alpha=0.45)


def rays(pen: Pen, wide: float, rng: Generator) -> None:
    """Draw rays that spread from a point."""
    first, second = _two(rng)
    pen.wash(first, first, start=0.0, end=1.0)
    x, y = float(rng.uniform(0.2, 0.8)) * wide, float(rng.uniform(0.3, 0.9))
    count = int(rng.integers(8, 16))
    for angle in np.arange(count) * 2 * np.pi / count:
        ends = [(x + 3 * np.cos(a), y + 3 * np.sin(a)) for a in (angle, angle + np.pi / count)]
        pen.fill([(x, y), *ends], light(second, 0.35))
    pen.glow(x, y, 0.6, WHITE, alpha=0.6)


def lights(pen: Pen, wide: float, rng: Generator) -> None:
    """Draw soft spots of light, as a lens shows what lies far behind."""
    first, second = _two(rng)
    deep = float(rng.uniform(0.3, 2.2))
    pen.wash(shade(first, deep), shade(second, deep), start=0.0, end=1.0)
    for _ in range(18):
        x, y, size = (
            float(rng.uniform(0, wide)),
            float(rng.uniform(0, 1)),
            float(rng.uniform(0.03, 0.11)),
        )
        spot = mix(_pick(rng, _PASTELS), WHITE, 0.4)
        pen.fill(ellipse((x, y), (size, size)), spot, alpha=float(rng.uniform(0.12, 0.4)))


INDOORS: tuple[Callable[[Pen, float, Generator], None], ...] = (
    plain, room, classroom, stripes, dots, checks, rays, lights
)  # fmt: skip


def box(x0: float, y0: float, x1: float, y1: float) -> Points:
    """Return the corners of a rectangle."""
    return points([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


def _pick(rng: Generator, options: tuple[Colour, ...]) -> Colour:
    return options[int(rng.integers(len(options)))]


def _two(rng: Generator) -> tuple[Colour, Colour]:
    first, second = rng.choice(len(_PASTELS), size=2, replace=False)
    return _PASTELS[int(first)], _PASTELS[int(second)]


def _window(pen: Pen, x: float, y: float, broad: float, tall: float, cloth: Colour) -> None:
    pen.fill(box(x - 0.02, y - 0.02, x + broad + 0.02, y + tall + 0.02), WHITE)
    pen.blend(box(x, y, x + broad, y + tall), colour("#8ccaf0"), colour("#e9f6fb"))
    for lump, size in ((0.16, 0.05), (0.24, 0.07), (0.32, 0.05)):
        pen.fill(
            ellipse((x + lump, y + tall * 0.75), (size, size * 0.8), steps=24), WHITE, alpha=0.8
        )
    pen.fill(box(x + broad / 2 - 0.008, y, x + broad / 2 + 0.008, y + tall), WHITE)
    pen.fill(box(x, y + tall * 0.4, x + broad, y + tall * 0.4 + 0.014), WHITE)
    for edge, side in ((x - 0.05, 1), (x + broad + 0.05, -1)):
        drape = [
            (edge, y - 0.05),
            (edge + 0.16 * side, y - 0.05),
            (edge + 0.12 * side, y + tall * 0.6),
            (edge + 0.06 * side, y + tall + 0.1),
            (edge, y + tall + 0.1),
        ]
        pen.fill(drape, shade(cloth, 0.3))
        for fold in (0.04, 0.09):
            pen.line(
                [(edge + fold * side, y - 0.05), (edge + fold * 0.7 * side, y + tall * 0.9)],
                shade(cloth),
                width=0.006,
            )


def _shelf(pen: Pen, x: float, y: float, rng: Generator, wood: Colour) -> None:
    at = x + 0.02
    while at < x + 0.3:
        broad, tall = float(rng.uniform(0.02, 0.04)), float(rng.uniform(0.09, 0.15))
        pen.fill(box(at, y - tall, at + broad, y), _pick(rng, _BOOKS))
        at += broad + 0.003
    pen.fill(box(x, y, x + 0.36, y + 0.02), shade(wood, 0.4))
