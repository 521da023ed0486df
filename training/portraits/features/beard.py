"""Beards, from a shadow on the jaw to full ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.portraits.easel import curves, tints
from training.portraits.head import MOUTH_Y, onto

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from training.portraits.character import Character
    from training.portraits.easel.curves import Paths
    from training.portraits.easel.sheet import Sheet
    from training.portraits.view import View

# Kinds of beards, in the order of `Face.beard`: the right half of each from the top inwards, and
# how much of the hair's colour it has.
BEARDS = ("none", "shadow", "full", "goatee", "moustache")
_SHARES = np.array([0.0, 0.22, 0.9, 0.85, 0.85], np.float32)
_HALVES = np.array([
    [(0.0, 0.00)] * 6,
    [(1.10, 0.31), (1.10, 1.49), (0.0, 1.61), (0.0, 0.78), (0.30, 0.76), (0.66, 0.67)],
    [(1.10, 0.20), (1.10, 1.49), (0.0, 1.61), (0.0, 0.74), (0.30, 0.74), (0.74, 0.55)],
    [(0.20, 1.00), (0.22, 1.49), (0.0, 1.55), (0.0, 1.00), (0.06, 1.02), (0.12, 1.02)],
    [(0.30, 0.85), (0.26, 0.90), (0.0, 0.84), (0.0, 0.76), (0.08, 0.75), (0.20, 0.77)],
], np.float32)  # fmt: skip


def draw_beards(sheet: Sheet, character: Character, view: View, rng: Generator) -> None:
    """Draw beards, which are to be kept inside the face.

    Args:
        sheet: n pictures.
        character: n characters.
        view: n views.
        rng: where chance comes from.
    """
    kind = character.face.beard
    rows = np.flatnonzero(kind > 0)
    if not len(rows):
        return
    who, how = character.take(rows), view.take(rows)
    half = _HALVES[kind[rows]] * rng.normal(1, 0.04, (len(rows), 6, 2)).astype(np.float32)
    hair = tints.shade(who.hair.colour, 0.5)
    share = _SHARES[kind[rows]] * rng.uniform(0.8, 1.1, len(rows))
    colour = tints.mix(who.face.skin, hair, np.clip(share, 0, 1))
    sheet.fill(onto(_whole(half), how), colour, rows=rows)
    # The lower lip shows through.
    bare = np.flatnonzero(_SHARES[kind[rows]] > 0.5)  # noqa: PLR2004
    lip = onto(curves.ellipse(0.0, MOUTH_Y + 0.03, 0.12, 0.05, steps=8), how)
    sheet.fill(lip[bare], tints.flushed(who.face.skin[bare], 0.7), rows=rows[bare])


def _whole(half: NDArray[np.float32]) -> Paths:
    # Down the right side, up the left one, and back along the inner edge.
    left = half * np.array([-1, 1], np.float32)
    return curves.joined(half[:, :3], left[:, 2::-1], left[:, :2:-1], half[:, 3:])
