"""What skin bears: blush, moles, freckles, scars and paint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.portraits.easel import curves, tints
from training.portraits.head import EYE_Y, onto

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from training.portraits.character import Character
    from training.portraits.easel.curves import Paths
    from training.portraits.easel.sheet import Sheet
    from training.portraits.view import View

    Numbers = NDArray[np.float32]

# Kinds of paint, in the order of `Face.paint`; shapes of the right cheek, or of the brow.
PAINTS = ("none", "stripe", "fang", "tear", "gem", "band", "whiskers", "diamond")
_SHAPES = np.array([
    [(0.0, 0.0)] * 6,
    [(0.40, 0.50), (0.72, 0.44), (0.74, 0.50), (0.72, 0.53), (0.42, 0.59), (0.39, 0.55)],
    [(0.34, 0.46), (0.44, 0.50), (0.54, 0.46), (0.46, 0.70), (0.44, 0.74), (0.42, 0.70)],
    [(0.50, 0.44), (0.55, 0.54), (0.54, 0.60), (0.50, 0.62), (0.46, 0.60), (0.45, 0.54)],
    [(0.00, -0.28), (0.06, -0.20), (0.06, -0.15), (0.0, -0.07), (-0.06, -0.15), (-0.06, -0.20)],
    [(0.10, 0.46), (0.50, 0.50), (0.88, 0.42), (0.88, 0.50), (0.50, 0.58), (0.10, 0.54)],
    [(0.46, 0.58), (0.84, 0.52), (0.46, 0.60), (0.84, 0.64), (0.46, 0.61), (0.46, 0.60)],
    [(0.52, 0.42), (0.57, 0.52), (0.62, 0.54), (0.52, 0.70), (0.42, 0.54), (0.47, 0.52)],
], np.float32)  # fmt: skip
_BOTH_SIDES = np.array([False, True, True, False, False, True, True, True])

_FRECKLES = 5


def cast_moles(count: int, rng: Generator, *, share: float) -> Numbers:
    """Choose moles under an eye, by the mouth, or anywhere; float32 (n, 3), see `Face.mole`."""
    places = np.array([(0.42, 0.52), (0.60, 0.46), (0.24, 1.0), (0.20, 0.84), (0.5, 0.8)])
    at = places[rng.integers(len(places), size=count)] + rng.normal(0, 0.025, (count, 2))
    at[:, 0] *= rng.choice((-1, 1), count)
    radius = np.where(rng.random(count) < share, rng.uniform(0.016, 0.03, count), 0.0)
    return np.column_stack([at, radius]).astype(np.float32)


def cast_scars(count: int, rng: Generator, *, share: float) -> Numbers:
    """Choose scars on cheeks, noses and over eyes; float32 (n, 4), see `Face.scar`."""
    places = np.array([(0.55, 0.55), (0.0, 0.5), (0.46, 0.2), (0.3, 0.7), (-0.5, 0.6)])
    at = places[rng.integers(len(places), size=count)] + rng.normal(0, 0.03, (count, 2))
    length = np.where(rng.random(count) < share, rng.uniform(0.1, 0.3, count), 0.0)
    return np.column_stack([at, length, rng.uniform(0, 180, count)]).astype(np.float32)


def draw_blush(sheet: Sheet, character: Character, view: View, rng: Generator) -> None:
    """Redden cheeks: softly, as flat ovals, or with strokes of a pen.

    Args:
        sheet: n pictures.
        character: n characters.
        view: n views.
        rng: where chance comes from.
    """
    count = len(view)
    red = tints.mix(character.face.skin, (110.0, 90.0, 235.0), 0.35 + 0.35 * view.blush)
    flat = rng.random(count) < np.where(view.soft, 0.1, 0.45)
    high = EYE_Y + rng.uniform(0.28, 0.42, count)
    wide = rng.uniform(0.18, 0.3, count)
    for side in (-1, 1):
        oval = onto(curves.ellipse(side * 0.58, high, wide, 0.55 * wide, steps=12), view)
        some = np.flatnonzero(flat & (view.blush > 0.2))  # noqa: PLR2004  # else hardly seen
        sheet.fill(oval[some], red[some], alpha=0.25 + 0.5 * view.blush[some], rows=some)
        rest = np.flatnonzero(~flat & (view.blush > 0.25))  # noqa: PLR2004
        middle = oval[rest].mean(axis=1, keepdims=True)
        sheet.glow(middle, 1.5 * wide[rest], red[rest], alpha=0.9 * view.blush[rest], rows=rest)
        pen = np.flatnonzero((view.blush > 0.6) & (view.detail > 0.65))  # noqa: PLR2004
        _hatch(sheet, oval[pen], red[pen], pen)


def _hatch(sheet: Sheet, oval: Paths, red: Numbers, rows: NDArray[np.intp]) -> None:
    middle = oval.mean(axis=1)
    stroke = np.array([(0.03, -0.05), (-0.03, 0.05)])
    for x in (-0.09, 0.0, 0.09):
        path = curves.moved(stroke, middle[:, 0] + x, middle[:, 1])
        sheet.stroke(path, tints.shade(red, 1.2), width=0.03, taper=(0.5, 0.5), rows=rows)


def draw_paint(sheet: Sheet, character: Character, view: View) -> None:
    """Draw face paint and tattoos on the cheeks or the brow."""
    for side in (1, -1):
        kind = character.face.paint
        rows = np.flatnonzero((kind > 0) & (_BOTH_SIDES[kind] | (side > 0)))
        shape = _SHAPES[kind[rows]] * np.array([side, 1], np.float32)
        colour = character.face.pigment[rows]
        if len(rows):
            sheet.fill(onto(shape, view.take(rows)), colour, alpha=0.85, rows=rows)


def draw_spots(sheet: Sheet, character: Character, view: View, rng: Generator) -> None:
    """Draw moles, freckles and scars where they can be seen.

    Args:
        sheet: n pictures.
        character: n characters.
        view: n views.
        rng: where chance comes from.
    """
    face = character.face
    mole = np.flatnonzero(face.mole[:, 2] > 0)
    x, y, radius = face.mole[mole].T
    dark = tints.ink(face.skin[mole], 0.75)
    sheet.fill(onto(curves.ellipse(x, y, radius, radius, steps=6), view.take(mole)), dark,
               rows=mole)  # fmt: skip
    scar = np.flatnonzero(face.scar[:, 2] > 0)
    x, y, length, angle = face.scar[scar].T
    path = curves.moved([(-0.5, 0.0), (-0.2, 0.04), (0.2, -0.02), (0.5, 0.0)], x, y, angle=angle,
                        stretch=(length, length))  # fmt: skip
    wound = tints.mix(tints.shade(face.skin[scar], 1.3), (90, 80, 190), 0.3)
    sheet.stroke(onto(path, view.take(scar)), wound, width=0.035, taper=(0.2, 0.2), rows=scar)
    _freckles(sheet, character, view, rng)


def _freckles(sheet: Sheet, character: Character, view: View, rng: Generator) -> None:
    rows = np.flatnonzero(character.face.freckles > 0)
    dark = tints.flushed(character.face.skin[rows], 1.8)
    for place in np.linspace(0.2, 0.75, _FRECKLES):
        for side in (-1, 1):
            x = side * place + rng.normal(0, 0.04, len(rows))
            y = 0.5 + rng.normal(0, 0.05, len(rows))
            dot = curves.ellipse(x, y, 0.016, 0.016, steps=4)
            sheet.fill(onto(dot, view.take(rows)), dark, rows=rows)
