"""Noses: in drawings a dot, a line or a shadow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.portraits.easel import curves, tints
from training.portraits.head import EYE_Y, NOSE_Y, onto

if TYPE_CHECKING:
    from numpy.random import Generator

    from training.portraits.character import Character
    from training.portraits.easel.sheet import Sheet
    from training.portraits.view import View

# Kinds of noses, in the order of `Face.nose`; each a closed shape, x growing away from the light.
NOSES = ("dot", "line", "shadow", "wedge", "hook", "none")
_SHAPES = np.array([
    [(-0.014, 0.0), (0.0, -0.012), (0.018, 0.0), (0.004, 0.02), (0.0, 0.02)],
    [(0.0, -0.06), (0.016, -0.02), (0.012, 0.03), (-0.008, 0.03), (0.002, 0.0)],
    [(-0.01, -0.07), (0.05, 0.0), (0.06, 0.045), (0.0, 0.055), (-0.03, 0.03)],
    [(-0.02, -0.16), (0.0, -0.05), (0.055, 0.04), (-0.01, 0.05), (0.03, 0.03)],
    [(-0.05, 0.0), (-0.02, 0.03), (0.05, 0.012), (0.02, 0.04), (-0.02, 0.042)],
    [(0.0, 0.0)] * 5,
], np.float32)  # fmt: skip
_PALE = 2

# The share of pictures whose artist draws noses in another way than others.
_OTHER = 0.25


def draw_nose(sheet: Sheet, character: Character, view: View, rng: Generator) -> None:
    """Draw noses; those of profiles are part of the outline.

    Args:
        sheet: n pictures.
        character: n characters.
        view: n views.
        rng: where chance comes from.
    """
    count = len(view)
    other = rng.random(count) < _OTHER
    kind = np.where(other, rng.integers(len(NOSES), size=count), character.face.nose)
    knots = _SHAPES[kind] * rng.normal(1.0, 0.12, (count, 1, 2)).astype(np.float32)
    # A nose points where the head does, or away from the light.
    towards = np.where(np.abs(view.yaw) > 0.12, np.sign(view.yaw), np.sign(view.lit))  # noqa: PLR2004
    size = np.where(np.abs(view.yaw) > 0.72, 0.0, 1.25)  # noqa: PLR2004
    tip = onto(curves.points((0.0, NOSE_Y)), view, radius=1.0)[:, 0]
    factor = character.face.jaw * view.length
    low = tip[:, 1] + (NOSE_Y - EYE_Y) * (factor - 1)
    shape = curves.moved(knots, tip[:, 0], low, stretch=(towards * size, size))
    skin = character.face.skin
    inked = tints.ink(skin, 0.2 + 0.5 * view.darkness)
    soft = tints.flushed(skin, 0.9 + 0.7 * view.depth)
    pale = (kind == _PALE) | view.soft
    rows = np.flatnonzero((size > 0) & (kind < len(NOSES) - 1))
    sheet.fill(shape[rows], np.where(pale[:, None], soft, inked)[rows], rows=rows)
