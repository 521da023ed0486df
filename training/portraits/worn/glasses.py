"""Glasses, goggles on the forehead, and eyepatches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.portraits.easel import tints
from training.portraits.easel.curves import bend, points
from training.portraits.head import EYE_X, EYE_Y, onto
from training.portraits.worn.craft import palette, ring, seen, superellipse
from training.portraits.worn.jewels import draw_earrings
from training.portraits.worn.traits import GLASSES, place_of

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from training.portraits.character import Character
    from training.portraits.easel.sheet import Sheet
    from training.portraits.view import View
    from training.portraits.worn.traits import Worn

    Rows = NDArray[np.intp]
    Numbers = NDArray[np.floating]

_FULL, _HALF, _RIMLESS, _DARK, _GOGGLES, _PATCH = place_of(
    GLASSES, "full", "half", "rimless", "dark", "goggles", "patch"
).tolist()
# Lenses stand out from the face.
_RADIUS = 1.08


def draw_glasses(sheet: Sheet, character: Character, view: View, rng: Generator) -> None:
    """Draw what lies over the eyes or hangs at the ears, below the hair in front."""
    draw_earrings(sheet, character, view, rng)
    kinds, worn = character.worn.glasses, seen(view, 2)
    rows = np.flatnonzero(worn & (kinds != 0) & (kinds != _PATCH) & (kinds != _GOGGLES))
    if len(rows):
        _draw_lenses(sheet, character.worn.take(rows), view.take(rows), rng, rows)
    rows = np.flatnonzero(worn & (kinds == _PATCH))
    if len(rows):
        _draw_patch(sheet, character.worn.take(rows), view.take(rows), rng, rows)


def draw_goggles(sheet: Sheet, character: Character, view: View, rng: Generator) -> None:
    """Draw goggles, which are pushed up into the hair."""
    rows = np.flatnonzero(seen(view, 2) & (character.worn.glasses == _GOGGLES))
    if not len(rows):
        return
    worn, eye = character.worn.take(rows), view.take(rows)
    y = (-0.42 + 0.5 * worn.low).astype(np.float32)
    strap = bend(points((-1.2, y)), points((0.0, y - 0.12)), points((1.2, y)), steps=10)
    sheet.line(onto(strap, eye, radius=1.2), worn.second, width=0.16, rows=rows)
    for side in (-1, 1):
        lens = superellipse(1.15 * worn.lens[:, 0], worn.lens[:, 1], worn.roundness)
        path = onto(lens + np.stack([side * 0.4 + 0 * y, y], 1)[:, None], eye, radius=1.2)
        sheet.fill(path, palette(worn.accent, rng), rows=rows)
        sheet.fill(ring(path, 0.09), worn.metal, rows=rows)
        glint = points((side * 0.4 - 0.14, y + 0.05), (side * 0.4 + 0.06, y - 0.13))
        sheet.line(onto(glint, eye, radius=1.2), tints.WHITE, width=0.06, rows=rows)


def _draw_lenses(sheet: Sheet, worn: Worn, view: View, rng: Generator, rows: Rows) -> None:
    frame = palette(worn.metal, rng)
    width = np.where(worn.glasses == _RIMLESS, 0.6, 1.0) * (0.035 + 0.07 * worn.place)
    # They slide down the nose, a little differently in each picture.
    y = EYE_Y + 0.04 + 0.08 * rng.random(len(rows)) * worn.place
    pane = superellipse(worn.lens[:, 0] * 1.06, worn.lens[:, 1] * 1.1, worn.roundness)
    dark = worn.glasses == _DARK
    glare = np.where(dark, 0.8, 0.22 * (rng.random(len(rows)) < 0.4))  # noqa: PLR2004
    tint = np.where(dark[:, None], 0.25 * worn.accent, tints.WHITE)
    half = worn.glasses == _HALF
    for side in (-1, 1):
        # The outer corners lie higher or lower, as with the eyes.
        slant = side * 0.12 * worn.side * worn.place
        shape = pane + np.stack([0 * pane[..., 0], slant[:, None] * pane[..., 0]], 2)
        path = onto(shape + np.stack([side * EYE_X + 0 * y, y], 1)[:, None], view, radius=_RADIUS)
        sheet.fill(path, tint, alpha=glare, rows=rows)
        full, low = np.flatnonzero(~half), np.flatnonzero(half)
        sheet.fill(ring(path[full], width[full]), frame[full], rows=rows[full])
        sheet.stroke(path[low, :11], frame[low], width=width[low], taper=(1, 1), rows=rows[low])
        outer = side * (EYE_X + worn.lens[:, 0])
        temple = onto(points((outer, y - 0.06), (side * 1.0, y - 0.1)), view, radius=_RADIUS)
        sheet.stroke(temple, frame, width=width, taper=(1, 1), rows=rows)
    inner = EYE_X - worn.lens[:, 0]
    bridge = bend(points((-inner, y)), points((0.0, y - 0.1)), points((inner, y)), steps=4)
    bridge = onto(bridge, view, radius=_RADIUS)
    sheet.stroke(bridge, frame, width=width, taper=(1, 1), rows=rows)


def _draw_patch(sheet: Sheet, worn: Worn, view: View, rng: Generator, rows: Rows) -> None:
    white = (worn.petals > 5)[:, None]  # noqa: PLR2004  # half of them are of gauze
    colour = palette(np.where(white, tints.WHITE, 0.4 * worn.second), rng)
    middle = np.stack([worn.side * EYE_X, np.full(len(rows), EYE_Y + 0.02)], 1)[:, None]
    pad = superellipse(worn.lens[:, 0] * 1.05, worn.lens[:, 1] * 1.25, worn.roundness)
    strap = points((-1.05 * worn.side, -0.35), (worn.side * EYE_X, EYE_Y - 0.1),
                   (worn.side * 1.05, EYE_Y - 0.05))  # fmt: skip
    ink = tints.ink(colour, view.darkness)
    sheet.line(onto(strap, view, radius=1.05), tints.mix(colour, ink, 0.3), width=0.05, rows=rows)
    path = onto(pad + middle, view, radius=1.05)
    sheet.paint(path, colour, edge=ink, width=np.maximum(view.line, 0.02), rows=rows)
