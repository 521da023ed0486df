"""Lids and lashes: the shape of an eye.

An eye has coordinates of its own: u from its inner corner at -1 to its outer corner at 1, and v
from -1 at the height of an open upper lid to 1 below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.portraits.easel import curves, tints
from training.portraits.head import EYE_X, EYE_Y, onto

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import ArrayLike, NDArray

    from training.portraits.character import Character
    from training.portraits.easel.curves import Paths
    from training.portraits.easel.sheet import Sheet
    from training.portraits.view import View

    Numbers = NDArray[np.float32]
    Rows = NDArray[np.intp]

# Below this an eye counts as closed.
CLOSED = 0.2
# Drawn as a mere dot of ink, without lids: a style of `iris.styles`.
DOT = 3

# Half the size of a common eye in units of the head.
_WIDTH, _HEIGHT = 0.305, 0.27

# An open eye: v of the upper lid, then of the lower one, where u is as below.
KNOTS = np.array([0.30, -0.78, -1.0, -0.74, 0.02, 0.34, 0.80, 0.92, 0.74, 0.10], np.float32)
_AT = np.array([-1.0, -0.6, 0.0, 0.6, 1.0])
_U = np.linspace(-1.0, 1.0, 13, dtype=np.float32)
# From the values at five knots to a polynomial through them.
_SMOOTH = (np.vander(_U, 5) @ np.linalg.inv(np.vander(_AT, 5))).T.astype(np.float32)

# Lashes are thickest near the outer corner.
_THICK = np.interp(_U, (-1, -0.5, 0.3, 0.8, 1), (0.2, 0.6, 0.9, 1.0, 0.8)).astype(np.float32)


def drawn_shape(character: Character, rng: Generator) -> Numbers:
    """Give the knots of the characters' eyes as today's artist draws them; float32 (n, 10)."""
    own = character.eyes.shape
    return (KNOTS + own + rng.normal(0, 0.035, own.shape)).astype(np.float32)


class Eye:
    """The eyes on one side of n faces, all of them open or all closed.

    Args:
        character: n characters.
        view: n views.
        knots: their shapes, as `drawn_shape` gives; (n, 10).
        lid: how far they are open, (n,); None where they are closed.
        side: -1 the left of the picture, 1 the right.
    """

    def __init__(
        self, character: Character, view: View, knots: Numbers, lid: Numbers | None, *, side: int
    ) -> None:
        eyes = character.eyes
        self.side = side
        self.open = lid is not None
        self.width = _WIDTH * eyes.width * view.eyes
        self.height = _HEIGHT * eyes.height * view.eyes
        self._view, self._apart, self._angle = view, eyes.apart, -side * eyes.slant
        if lid is None:
            # Joy arches lids up, sleep lets them hang.
            bow = np.where(view.joy, 0.75, -0.5)[:, None]
            self.lower = (0.35 - 0.6 * bow + bow * _U**2).astype(np.float32)
            self.upper = self.lower
        else:
            self.lower = knots[:, 5:] @ _SMOOTH
            gap = np.minimum(knots[:, :5] @ _SMOOTH - self.lower, -0.02)
            self.upper = self.lower + gap * (0.12 + 0.88 * lid)[:, None]

    def at(self, u: ArrayLike, v: ArrayLike) -> Paths:
        """Give places on the pictures, (n, k, 2) in units of the head, for places on the eyes.

        Args:
            u: (k,) or (n, k).
            v: the same.
        """
        local = np.stack(np.broadcast_arrays(np.atleast_2d(u), np.atleast_2d(v)), axis=2)
        stretch = (self.side * self.width, self.height)
        path = curves.moved(local, self.side * EYE_X * self._apart, EYE_Y, angle=self._angle,
                            stretch=stretch)  # fmt: skip
        return onto(path, self._view)

    def within(self, u: Numbers, v: Numbers) -> Paths:
        """Give places on the pictures, pushed between the lids; (n, k, 2).

        Args:
            u: (n, k).
            v: the same.
        """
        inner = np.clip(u, -1.0, 1.0)
        place = (inner + 1) / 2 * (len(_U) - 1)
        left = np.clip(place.astype(np.intp), 0, len(_U) - 2)
        share = place - left
        bounds = []
        for lid in (self.upper, self.lower):
            first = np.take_along_axis(lid, left, axis=1)
            second = np.take_along_axis(lid, left + 1, axis=1)
            bounds.append(first + share * (second - first))
        return self.at(inner, np.clip(v, bounds[0], bounds[1]))

    def white(self) -> Paths:
        """Outline what is open; (n, 26, 2)."""
        u = np.concatenate([_U, _U[::-1]])
        return self.at(u, np.concatenate([self.upper, self.lower[:, ::-1]], axis=1))


def draw_lids(
    sheet: Sheet, character: Character, view: View, eye: Eye, style: Rows, *, rows: Rows
) -> None:
    """Draw lashes, the lower lid and the fold above the upper one.

    Args:
        sheet: N pictures.
        character: n characters.
        view: n views.
        eye: the eyes of one side.
        style: as `iris.styles` gives; (n,).
        rows: the pictures; (n,).
    """
    eyes = character.eyes
    share = np.clip(0.5 + 0.5 * view.darkness, 0, 1)
    hair = tints.shade(character.hair.colour, 1.4)
    ink = tints.mix(hair, tints.BLACK, share)
    if eye.open:
        _lower(sheet, character, view, eye, np.flatnonzero(style != DOT), ink, rows)
    kept = np.flatnonzero((style != DOT) | (not eye.open))
    thick = eyes.lash / eye.height * (0.75 if eye.open else 0.6)
    top = (eye.upper - thick[:, None] * _THICK).astype(np.float32)
    flick = (1 + eyes.flick)[:, None], (eye.upper[:, -1] - 0.15 - 0.8 * eyes.flick)[:, None]
    count = len(view)
    u = np.concatenate([np.tile(_U, (count, 1)), flick[0], np.tile(_U[::-1], (count, 1))], axis=1)
    v = np.concatenate([top, flick[1], eye.upper[:, ::-1]], axis=1)
    sheet.fill(eye.at(u, v)[kept], ink[kept], rows=rows[kept])
    spiked = np.flatnonzero((eyes.spikes * (0.4 + view.detail) > 0.4) & (style != DOT))  # noqa: PLR2004
    _spikes(sheet, eye, top, eyes.spikes, ink, spiked, rows)
    folded = np.flatnonzero((eyes.fold > 0) & (view.detail > 0.25) & (style != DOT))  # noqa: PLR2004
    height = eye.upper[:, 3:12] - (thick + eyes.fold)[:, None]
    crease = tints.mix(tints.flushed(character.face.skin, 2.0), ink, 0.4 * view.darkness)
    path = eye.at(_U[3:12], height)
    if eye.open:
        sheet.stroke(path[folded], crease[folded], width=0.022, taper=(0.1, 0.3), rows=rows[folded])


def _lower(
    sheet: Sheet, character: Character, view: View, eye: Eye, some: Rows, ink: Numbers, rows: Rows
) -> None:
    eyes = character.eyes
    colour = tints.mix(tints.flushed(character.face.skin, 1.8), ink, 0.3 + 0.6 * eyes.lower)
    width = (0.012 + 0.022 * eyes.lower) * (0.6 + 0.6 * view.darkness)
    path = eye.at(_U[2:], eye.lower[:, 2:])
    sheet.stroke(path[some], colour[some], width=width[some], taper=(0.0, 0.7), rows=rows[some])
    shadowed = some[eyes.makeup[some] > 0]
    u = np.concatenate([_U, _U[::-1]])
    v = np.concatenate([eye.upper - 0.42, eye.lower[:, ::-1] * 0.3 + eye.upper[:, ::-1] * 0.7], 1)
    sheet.fill(eye.at(u, v)[shadowed], character.face.lipstick[shadowed],
               alpha=0.6 * eyes.makeup[shadowed], rows=rows[shadowed])  # fmt: skip


def _spikes(
    sheet: Sheet, eye: Eye, top: Numbers, length: Numbers, ink: Numbers, some: Rows, rows: Rows
) -> None:
    base = top[:, (8, 9, 10, 11, 12, 12)]
    tip = base + np.array([0, -0.26, 0.04, -0.22, 0.04, -0.10]) * length[:, None]
    u = _U[[8, 9, 10, 11, 12, 12]] + np.array([0, 0.16, 0, 0.26, 0, 0.34]) * length[:, None]
    shape = eye.at(np.concatenate([u, u[:, :1]], axis=1),
                   np.concatenate([tip, eye.upper[:, 9:10]], axis=1))  # fmt: skip
    sheet.fill(shape[some], ink[some], rows=rows[some])
