"""Single locks and thin strands: between the eyes, over the face, and on the top of the head."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from training.portraits.easel.curves import bend, brush, points
from training.portraits.hair.locks import draw_line, paint_lock
from training.portraits.hair.palette import outlines
from training.portraits.hair.traits import STRANDS
from training.portraits.head import onto

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from training.portraits.character import Character
    from training.portraits.easel.curves import Paths
    from training.portraits.easel.sheet import Sheet
    from training.portraits.hair.palette import Palette
    from training.portraits.view import View

    Rows = NDArray[np.intp]
    Numbers = NDArray[np.floating[Any]]


def draw_strands(
    sheet: Sheet, character: Character, view: View, colours: Palette, rng: Generator
) -> None:
    """Draw the lock between the eyes, strands over the face, and sprouts on the top.

    Args:
        sheet: n pictures.
        character: n of them.
        view: theirs.
        colours: the artist's.
        rng: how the artist strays from the character.
    """
    _middle(sheet, character, view, colours, rng)
    _falling(sheet, character, view, colours, rng)
    _sprouts(sheet, character, view, colours)


def _middle(
    sheet: Sheet, character: Character, view: View, colours: Palette, rng: Generator
) -> None:
    rows = np.flatnonzero((character.hair.middle > 0) & ~character.hair.bare)
    hair, seen = character.hair.take(rows), view.take(rows)
    stray = rng.normal(0, 0.04, (2, len(rows)))
    x = 0.25 * hair.part + 0.06 * hair.locks[:, 3, 2] + stray[0]
    end = points((x * 0.3 + 0.10 * hair.locks[:, 4, 1], 0.05 + 0.55 * hair.middle + stray[1]))
    start = points((x + 0.08 * np.sign(hair.part), -0.80))
    swing = points((x + 0.12 * hair.locks[:, 5, 2] + 0.05 * seen.breeze, -0.05))
    path = onto(bend(start, swing, end, steps=7), seen, radius=1.15)
    _lock(sheet, path, 0.13 + 0.025 * hair.locks[:, 3, 0], seen, colours, rows)


def _falling(
    sheet: Sheet, character: Character, view: View, colours: Palette, rng: Generator
) -> None:
    """Thin strands: the character's own, and in some views one more."""
    count = len(view)
    more = rng.random(count) < 0.25 * view.detail
    falls = character.hair.falls + rng.normal(0, 0.04, (count, STRANDS, 3)).astype(np.float32)
    for place in range(STRANDS):
        rows = np.flatnonzero(character.hair.strands + more > place)
        seen, fall = view.take(rows), falls[rows, place]
        x = 1.5 * fall[:, 0] - 0.75
        low = 0.1 + 0.75 * fall[:, 2]
        aside = x + (fall[:, 1] - 0.5) * 1.1
        path = bend(points((x * 0.8, -0.65)), points((1.25 * x, low * 0.3)),
                    points((aside + 0.08 * seen.breeze, low)))  # fmt: skip
        turned = onto(path, seen, radius=1.15)
        width = 0.03 + 0.04 * fall[:, 1]
        # Too thin for two outlines: a darker one below it, to one side.
        below = turned + np.array([0.012, 0.008], np.float32)
        around = np.where(seen.line > 0, width + 0.015, 0)
        draw_line(sheet, below, colours.edge[rows], width=around, taper=(0.7, 0.0), rows=rows)
        sheet.stroke(turned, colours.base[rows], width=width, taper=(0.7, 0.0), rows=rows)


def _sprouts(sheet: Sheet, character: Character, view: View, colours: Palette) -> None:
    for place in range(2):
        rows = np.flatnonzero(character.hair.ahoge > place)
        hair, seen = character.hair.take(rows), view.take(rows)
        x = 0.35 * hair.locks[:, 6, place] * 0.5
        bent = hair.locks[:, 7, place] + 0.4 * seen.breeze
        top = -1.06 * hair.volume - 0.06
        path = bend(points((x, top + 0.12)), points((x + 0.05 * bent, top - 0.5)),
                    points((x + 0.35 * bent, top - 0.12)))  # fmt: skip
        _lock(sheet, path + points((-0.1 * seen.yaw, 0)), 0.11, seen, colours, rows)


def _lock(  # a path, how it is drawn, and where
    sheet: Sheet, path: Paths, width: Numbers | float, seen: View, colours: Palette, rows: Rows
) -> None:
    shape = brush(path, width=width, taper=(0.1, 0.0))
    paint_lock(sheet, shape, colours.base[rows], edge=colours.edge[rows], width=outlines(seen),
               rows=rows)  # fmt: skip
    sheet.stroke(path, colours.shadow[rows], width=0.4 * width * seen.depth, rows=rows)
