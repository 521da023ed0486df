"""Ears, round or pointed, at the sides of heads that turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.portraits.easel import curves, tints
from training.portraits.head import EYE_Y, onto

if TYPE_CHECKING:
    from training.portraits.character import Character
    from training.portraits.easel.curves import Paths
    from training.portraits.easel.sheet import Sheet
    from training.portraits.view import View

# Where ears grow: nearly a quarter round the head.
_SIDE = 0.955

# An ear on the right, its root at the origin, and the same of an elf.
_ROUND = np.array(
    [(0.0, -0.20), (0.55, -0.30), (0.95, -0.16), (0.80, 0.12), (0.40, 0.30), (0.0, 0.26)]
)
_POINTED = np.array(
    [(0.0, -0.18), (1.30, -0.36), (2.90, -0.62), (1.60, 0.02), (0.60, 0.26), (0.0, 0.26)]
)


def draw_ears(sheet: Sheet, character: Character, view: View, *, over: bool) -> None:
    """Draw ears.

    Args:
        sheet: n pictures.
        character: n characters.
        view: n views.
        over: whether to draw those that turned heads have on their near side, which lie over the
            skin; or those of other heads, which lie behind it.
    """
    for side in (-1, 1):
        towards = side * view.yaw
        # The ear that a turned head shows lies on the side it turns away from.
        seen = (towards < -0.25) if over else (np.abs(view.yaw) <= 0.25)  # noqa: PLR2004
        rows = np.flatnonzero(seen)
        if len(rows):
            _draw(sheet, character.take(rows), view.take(rows), side, rows)


def _draw(
    sheet: Sheet,
    character: Character,
    view: View,
    side: int,
    rows: np.ndarray[tuple[int], np.dtype[np.intp]],
) -> None:
    skin = character.face.skin
    edge = tints.ink(skin, view.darkness)
    shape = _shape(character, view, side, 1.0)
    outline = curves.spline(shape)
    lined = np.flatnonzero(view.line > 0)
    sheet.fill(curves.grown(outline, view.line)[lined], edge[lined], rows=rows[lined])
    sheet.fill(outline, skin, rows=rows)
    hollow = curves.spline(_shape(character, view, side, 0.6), steps=3)
    dark = tints.flushed(skin, 0.5 + 0.8 * view.depth)
    sheet.fill(hollow, dark, rows=rows)


def _shape(character: Character, view: View, side: int, size: float) -> Paths:
    pointed = character.face.ears[:, None, None]
    knots = _ROUND + pointed * (_POINTED - _ROUND)
    root = onto(curves.points((side * _SIDE, EYE_Y + 0.06)), view)[:, 0]
    # A head that looks aside shows its ear from the front.
    width = side * (0.14 + 0.08 * np.abs(view.yaw)) * size
    inset = side * 0.05 * (1 - size)
    return curves.moved(knots, root[:, 0] + inset, root[:, 1], stretch=(width, 0.85 * size))
