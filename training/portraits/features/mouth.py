"""Mouths, closed and open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.portraits.easel import curves, tints
from training.portraits.features.skull import placed
from training.portraits.head import MOUTH_Y
from training.portraits.view import MOUTHS

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from training.portraits.character import Character
    from training.portraits.easel.sheet import Sheet
    from training.portraits.view import View

    Numbers = NDArray[np.float32]
    Rows = NDArray[np.intp]

# For each of `MOUTHS`: half the width, how far it is open, and whether teeth fill it; then y of
# the upper lip at five places from left to right, and of the lower one. Units of the head.
_SIZES = np.array([
    (0.17, 0, 0), (0.14, 0, 0), (0.13, 0, 0), (0.17, 0, 0), (0.17, 0, 0), (0.15, 1, 0),
    (0.21, 1, 0), (0.075, 1, 0), (0.06, 0, 0), (0.17, 1, 1), (0.22, 1, 1), (0.0, 0, 0),
], np.float32)  # fmt: skip
_UPPER = np.array([
    (-0.02, 0.02, 0.035, 0.02, -0.02), (0.02, -0.015, -0.025, -0.015, 0.02), (0, 0, 0, 0, 0),
    (0.01, -0.025, 0.02, -0.025, 0.015), (-0.02, 0.03, 0.0, 0.03, -0.02),
    (-0.01, 0.0, 0.0, 0.0, -0.01), (-0.05, -0.02, -0.005, -0.02, -0.05),
    (0.0, -0.05, -0.06, -0.05, 0.0), (0.0, 0.005, 0.01, 0.005, 0.0),
    (0.0, -0.02, -0.025, -0.02, 0.0), (-0.05, 0.0, 0.02, 0.0, -0.05), (0, 0, 0, 0, 0),
], np.float32)  # fmt: skip
_LOWER = np.array([
    *[(0, 0, 0, 0, 0)] * 5,
    (-0.01, 0.11, 0.14, 0.11, -0.01), (-0.05, 0.15, 0.21, 0.15, -0.05),
    (0.0, 0.08, 0.09, 0.08, 0.0), (0, 0, 0, 0, 0),
    (0.0, 0.07, 0.075, 0.07, 0.0), (-0.05, 0.07, 0.11, 0.07, -0.05), (0, 0, 0, 0, 0),
], np.float32)  # fmt: skip
_HIDDEN = MOUTHS.index("hidden")


def draw_mouth(sheet: Sheet, character: Character, view: View, rng: Generator) -> None:
    """Draw mouths.

    Args:
        sheet: n pictures.
        character: n characters.
        view: n views.
        rng: where chance comes from.
    """
    count = len(view)
    size, face = _SIZES[view.mouth], character.face
    half = size[:, 0] * face.mouth * rng.normal(1, 0.1, count).clip(0.75, 1.3)
    spread = np.linspace(-1, 1, 5, dtype=np.float32)[None] * half[:, None]
    # Lopsided, as no two artists' mouths are the same.
    skew = rng.normal(0, 0.05, count)[:, None] * spread + rng.normal(0, 0.004, (count, 5))
    opened = rng.uniform(0.7, 1.25, count)[:, None]
    upper = np.stack([spread, MOUTH_Y + _UPPER[view.mouth] + skew], axis=2).astype(np.float32)
    gap = opened * (_LOWER[view.mouth] - _UPPER[view.mouth])
    lower = upper.copy()
    lower[..., 1] += gap * size[:, 1:2]
    shown = view.mouth != _HIDDEN
    _lips(sheet, character, view, upper, np.flatnonzero(shown & (face.lips > 0)))
    _closed(sheet, character, view, upper, np.flatnonzero(shown & (size[:, 1] == 0)))
    _open(sheet, character, view, (upper, lower), np.flatnonzero(size[:, 1] > 0))
    _fang(sheet, character, view, upper, np.flatnonzero(shown & (face.fang != 0)))


def _lips(sheet: Sheet, character: Character, view: View, upper: Numbers, rows: Rows) -> None:
    who = character.take(rows)
    path = placed(curves.spline(upper[rows], closed=False), who, view.take(rows))
    for y, width in ((-0.012, 0.05), (0.022, 0.07)):
        sheet.stroke(path + np.array([0, y], np.float32), who.face.lipstick, width=width,
                     alpha=np.minimum(who.face.lips, 0.95), rows=rows)  # fmt: skip


def _closed(sheet: Sheet, character: Character, view: View, upper: Numbers, rows: Rows) -> None:
    who, how = character.take(rows), view.take(rows)
    path = placed(curves.spline(upper[rows], closed=False), who, how)
    colour = tints.mix(tints.ink(who.face.skin, how.darkness), (60.0, 50.0, 150.0), 0.25)
    width = np.maximum(0.024, 0.8 * how.line) * (0.7 + 0.5 * how.darkness)
    sheet.stroke(path, colour, width=width, taper=(0.35, 0.35), rows=rows)
    # The shadow of the lower lip.
    low = np.flatnonzero(how.detail > 0.45)  # noqa: PLR2004
    shadow = path[low][:, 6:11] + np.array([0, 0.085], np.float32)
    dark = tints.flushed(who.face.skin[low], 0.7 + 0.5 * how.depth[low])
    sheet.stroke(shadow, dark, width=0.025, rows=rows[low])


def _open(
    sheet: Sheet, character: Character, view: View, lips: tuple[Numbers, Numbers], rows: Rows
) -> None:
    who, how = character.take(rows), view.take(rows)
    top = curves.spline(lips[0][rows], closed=False, steps=3)
    bottom = curves.spline(lips[1][rows], closed=False, steps=3)
    toothy = _SIZES[how.mouth][:, 2] > 0
    inside = np.where(toothy[:, None], 250.0, tints.mix((55, 35, 130), (90, 80, 190), how.soft))
    edge = tints.mix(tints.ink(who.face.skin, how.darkness), (50.0, 40.0, 130.0), 0.35)
    shape = placed(curves.joined(top, bottom[:, ::-1]), who, how)
    sheet.fill(curves.grown(shape, np.maximum(0.018, 0.7 * how.line)), edge, rows=rows)
    sheet.fill(shape, inside, rows=rows)
    tongue = np.flatnonzero(~toothy)
    back = bottom - 0.42 * (bottom - top) * np.array([0, 1], np.float32)
    path = placed(curves.joined(back[:, 2:-2], bottom[:, 2:-2][:, ::-1]), who, how)
    sheet.fill(path[tongue], (140.0, 125.0, 240.0), rows=rows[tongue])
    # A row of upper teeth, or the line between two rows.
    share = np.where(toothy, 0.5, 0.2)[:, None, None]
    edge_of_teeth = top + share * (bottom - top) * np.array([0, 1], np.float32)
    teeth = placed(curves.joined(top[:, 1:-1], edge_of_teeth[:, 1:-1][:, ::-1]), who, how)
    white = np.flatnonzero(~toothy & (how.detail > 0.3))  # noqa: PLR2004
    sheet.fill(teeth[white], (250.0, 250.0, 250.0), rows=rows[white])
    clenched = np.flatnonzero(toothy)
    sheet.stroke(placed(edge_of_teeth, who, how)[clenched], edge[clenched], width=0.02,
                 rows=rows[clenched])  # fmt: skip


def _fang(sheet: Sheet, character: Character, view: View, upper: Numbers, rows: Rows) -> None:
    who, how = character.take(rows), view.take(rows)
    at = np.where(who.face.fang > 0, 3, 1)
    root = upper[rows, at]
    tooth = curves.moved([(-0.025, 0.0), (0.025, 0.0), (0.0, 0.06)], root[:, 0], root[:, 1])
    edge = tints.ink(who.face.skin, how.darkness)
    shape = placed(tooth, who, how)
    sheet.fill(curves.grown(shape, 0.3 * how.line), edge, rows=rows)
    sheet.fill(shape, (252.0, 252.0, 252.0), rows=rows)
