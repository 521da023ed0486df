"""What is in front of a face by chance: other people, bars, lettering, petals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.portraits.easel import tints
from training.portraits.easel.curves import bend, moved, points
from training.portraits.worn.craft import cel, palette, rosette, superellipse

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from training.portraits.character import Character
    from training.portraits.easel.sheet import Sheet
    from training.portraits.easel.tints import Tints
    from training.portraits.view import View

    Rows = NDArray[np.intp]
    Numbers = NDArray[np.floating]

_LETTERS, _FLAKES = 5, 6


def draw_head(sheet: Sheet, character: Character, view: View, rng: Generator, rows: Rows) -> None:
    """Another one's hair and shoulder, cut off by the edge of the picture."""
    del character
    count = len(rows)
    side = rng.choice((-1.0, 1.0), count)
    colour = tints.from_hsv(rng.uniform(0, 360, count), rng.uniform(0.1, 0.8, count),
                            rng.uniform(0.15, 1, count))  # fmt: skip
    knots = rosette(rng.integers(5, 12, count), np.full(count, 0.12), steps=24)
    at = (side * rng.uniform(1.3, 1.75, count), rng.uniform(-0.1, 1.5, count))
    path = moved(knots, *at, angle=rng.uniform(0, 90, count),
                 stretch=(0.85, rng.uniform(0.8, 1.5, count)))  # fmt: skip
    cel(sheet, path, colour, view, rows=rows)
    for index in range(3):
        x = at[0] - side * (0.15 + 0.2 * index)
        strand = bend(points((x, at[1] - 0.6)), points((x - 0.1 * side, at[1])),
                      points((x + 0.05 * side, at[1] + 0.6)), steps=4)  # fmt: skip
        sheet.stroke(strand, tints.shade(colour, 1.2), width=0.05, rows=rows)


def draw_bars(sheet: Sheet, character: Character, view: View, rng: Generator, rows: Rows) -> None:
    """Something long and near that crosses the picture: a bar, a branch, a sleeve."""
    count = len(rows)
    path = np.array([[(-3, 0), (-1, 0.04), (1, -0.04), (3, 0)]], np.float32)
    at = (rng.normal(0, 0.3, count), rng.choice((-0.6, 0.95, 1.15), count))
    angle = np.where(rng.random(count) < 0.5, rng.normal(0, 25, count), rng.uniform(-90, 90, count))  # noqa: PLR2004
    colour = palette(character.worn.outfit.trim, rng)
    wide = rng.uniform(0.06, 0.4, count)
    placed = moved(path, *at, angle=angle)
    ink = tints.ink(colour, view.darkness)
    sheet.stroke(placed, ink, width=wide + 2 * view.line, taper=(1, 1), rows=rows)
    sheet.stroke(placed, colour, width=wide, taper=(1, 1), rows=rows)


def draw_box(sheet: Sheet, character: Character, view: View, rng: Generator, rows: Rows) -> None:
    """A bubble or a box with lines of writing at the edge of the picture."""
    count = len(rows)
    roundness = rng.choice(np.array([2.0, 3.0, 12.0], np.float32), count)
    path = superellipse(rng.uniform(0.4, 1.2, count), rng.uniform(0.2, 0.4, count), roundness)
    x = rng.choice((-1.0, 1.0), count) * rng.uniform(0.3, 1.0, count)
    y = rng.choice((-0.65, 1.2, 1.3), count) + rng.normal(0, 0.08, count)
    dark = rng.random(count) < 0.3  # noqa: PLR2004  # as games have it
    colour = np.where(dark[:, None], 0.4 * character.worn.second, tints.WHITE)
    box, write = moved(path, x, y, angle=-view.tilt), np.where(dark[:, None], 255, tints.BLACK)
    sheet.fill(box, colour, alpha=np.where(dark, 0.7, 1.0), rows=rows)
    sheet.line(box, write, width=0.03, closed=True, rows=rows)
    for line in (-0.1, 0.06):
        _letters(sheet, (x, y + line), -view.tilt, write, 0.1, rng, rows)


def draw_writing(
    sheet: Sheet, character: Character, view: View, rng: Generator, rows: Rows
) -> None:
    """A line under the picture, or a signature."""
    del character
    count = len(rows)
    colour = np.where(rng.random((count, 1)) < 0.6, tints.WHITE, any_colours(count, rng))  # noqa: PLR2004
    at = (rng.uniform(-0.6, 0.6, count), rng.choice((-0.55, 0.9, 1.1, 1.2), count))
    angle = -view.tilt + np.where(rng.random(count) < 0.3, rng.normal(0, 20, count), 0.0)  # noqa: PLR2004
    size = rng.uniform(0.08, 0.22, count)
    _letters(sheet, at, angle, colour, size, rng, rows)


def _letters(
    sheet: Sheet,
    at: tuple[Numbers, Numbers],
    angle: Numbers,
    colour: Tints,
    size: Numbers | float,
    rng: Generator,
    rows: Rows,
) -> None:
    """Write a line of strokes that look like letters from afar."""
    count, size = len(rows), np.broadcast_to(size, (len(rows),))
    # All letters at once: as many rows as there are letters.
    many = np.tile(np.arange(count), _LETTERS)
    strokes = rng.uniform(-0.5, 0.5, (len(many), 5, 2)).astype(np.float32)
    offset = np.repeat(np.arange(_LETTERS) - _LETTERS // 2, count) * 1.25 * size[many]
    letters = moved(strokes, offset, 0.0, stretch=(size[many], size[many]))
    line = moved(letters, at[0][many], at[1][many], angle=np.broadcast_to(angle, count)[many])
    tint = np.broadcast_to(colour, (count, 3))[many]
    sheet.line(line, tint, width=0.16 * size[many], rows=rows[many])


def draw_petals(sheet: Sheet, character: Character, view: View, rng: Generator, rows: Rows) -> None:
    """Petals, flakes, leaves, sparks or drops, in the air before the face."""
    del view
    count = len(rows)
    tips = rng.integers(1, 7, count)
    depth = rng.choice((0.0, 0.3, 0.8), count)
    own = rng.random((count, 1)) < 0.3  # noqa: PLR2004
    white = rng.random((count, 1)) < 0.4  # noqa: PLR2004
    colour = np.where(
        white, tints.WHITE, np.where(own, character.worn.accent, any_colours(count, rng))
    )
    size, blurred = rng.uniform(0.04, 0.16, count), rng.random(count) < 0.3  # noqa: PLR2004
    shape, thin = rosette(tips, depth, steps=20), rng.uniform(0.35, 1, count)
    many = np.tile(np.arange(count), _FLAKES)
    x, y = rng.uniform(-1.1, 1.1, len(many)), rng.uniform(-0.8, 1.4, len(many))
    each = size[many] * np.exp(rng.normal(0, 0.3, len(many)))
    flakes = moved(shape[many], x, y, angle=rng.uniform(0, 360, len(many)),
                   stretch=(each * thin[many], each))  # fmt: skip
    sheet.fill(flakes, colour[many], alpha=~blurred[many], rows=rows[many])
    far = many[blurred[many]]
    at = points((x, y))[blurred[many]]
    sheet.glow(at, 1.8 * each[blurred[many]], colour[far], alpha=0.9, rows=rows[far])


def any_colours(count: int, rng: Generator) -> Tints:
    """Choose colours of all sorts; float32 (count, 3)."""
    return tints.from_hsv(rng.uniform(0, 360, count), rng.beta(1.2, 1.5, count),
                          rng.uniform(0.2, 1.0, count))  # fmt: skip
