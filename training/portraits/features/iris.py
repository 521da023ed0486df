"""The white, the iris, the pupil, and the light in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from training.portraits.easel import tints
from training.portraits.features.lids import DOT

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import ArrayLike, NDArray

    from training.portraits.character import Character
    from training.portraits.easel.sheet import Sheet
    from training.portraits.features.lids import Eye
    from training.portraits.view import View

    Numbers = NDArray[np.float32]
    Rows = NDArray[np.intp]

# Kinds of pupils, in the order of `Eyes.pupil`.
PUPILS = ("round", "slit", "small", "cross", "star", "heart", "ring", "none")
_LIGHT = np.array([False, False, False, True, True, True, True, False])

# How artists draw irises: all of it, flat, flat without a pupil, or as a dot of ink.
_STYLES = np.array([0.82, 0.11, 0.05, 0.02])
_FULL = 0

_TURN = np.linspace(0, 2 * np.pi, 20, endpoint=False)
_CIRCLE = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1).astype(np.float32)
# From the left over the top to the right, then back along a sagging chord.
_ARC = np.radians(np.linspace(175, 365, 12))
_SAG = np.linspace(0.9, -0.9, 8)
_TOP = np.concatenate([
    np.stack([np.cos(_ARC), np.sin(_ARC)], axis=1),
    np.stack([_SAG, 0.30 - 0.30 * _SAG**2], axis=1),
]).astype(np.float32)  # fmt: skip


def _polar(radius: NDArray[np.float64]) -> Numbers:
    shape: Numbers = radius[:, None] * np.stack([np.sin(_TURN), -np.cos(_TURN)], axis=1)
    return shape.astype(np.float32)


def _pupils() -> Numbers:
    """Unit shapes of pupils; float32 (len(PUPILS), 20, 2)."""
    cross = np.abs(np.cos(2 * _TURN)) ** 3
    star = 0.55 + 0.45 * np.cos(5 * _TURN)
    heart = np.stack([
        0.95 * np.sin(_TURN) ** 3,
        -(13 * np.cos(_TURN) - 5 * np.cos(2 * _TURN) - 2 * np.cos(3 * _TURN)) / 16,
    ], axis=1)  # fmt: skip
    shapes = [_CIRCLE * (0.42, 0.46), _CIRCLE * (0.13, 0.8), _CIRCLE * (0.24, 0.26),
              _polar(0.12 + 0.6 * cross), _polar(0.62 * star), heart * 0.55,
              _CIRCLE * (0.56, 0.6), _CIRCLE * 0.0]  # fmt: skip
    return np.stack(shapes).astype(np.float32)


_PUPILS = _pupils()


def styles(count: int, rng: Generator, *, detail: Numbers) -> Rows:
    """Choose how artists draw eyes, the plainer the less they care for detail.

    Args:
        count: n.
        rng: where chance comes from.
        detail: of the views; (n,).

    Returns:
        intp (n,): 0 in full, 1 flat, 2 without a pupil, 3 dots of ink.
    """
    chance = rng.random(count) * (0.7 + 0.55 * (1 - detail))
    return np.searchsorted(np.cumsum(_STYLES)[:-1], chance).astype(np.intp)


def draw_iris(
    sheet: Sheet, character: Character, view: View, eye: Eye, style: Rows, *, rows: Rows
) -> None:
    """Draw what shows between open lids.

    Args:
        sheet: N pictures.
        character: n characters.
        view: n views.
        eye: the eyes of one side.
        style: as `styles` gives; (n,).
        rows: the pictures; (n,).
    """
    traits = character.eyes
    tint = traits.left if eye.side < 0 else traits.right
    dot = style == DOT
    round_ = _Iris(character, view, eye)
    white = tints.mix(tints.WHITE, tints.shade(character.face.skin, 0.5), 0.10 + 0.15 * view.depth)
    some = np.flatnonzero(~dot)
    sheet.fill(eye.white()[some], white[some], rows=rows[some])
    _lid_shadow(sheet, view, eye, white, some, rows)

    rim = tints.shade(tint, 0.5 + 2.6 * traits.ring)
    rim = np.where(dot[:, None], tints.mix(tints.BLACK, tint, 0.15), rim)
    whole = _CIRCLE * np.where(dot, 0.66, 1.0)[:, None, None]
    sheet.fill(round_.put(whole), rim, rows=rows)
    sheet.fill(round_.put(_CIRCLE, size=0.86)[some], tint[some], rows=rows[some])
    full = np.flatnonzero(style == _FULL)
    deep = tints.shade(tint, 1.0 + 2.2 * traits.shadow)
    lower = round_.put(_CIRCLE, y=0.46, size=(0.62, 0.44))
    glow = tints.mix(tint, traits.glow, np.where(view.soft, 0.65, 1.0))
    sheet.fill(lower[full], glow[full], rows=rows[full])
    top = tints.mix(tint, deep, np.where(view.soft, 0.75, 1.0))
    sheet.fill(round_.put(_TOP, size=0.93)[full], top[full], rows=rows[full])
    _pupil(sheet, character, round_, tint, np.flatnonzero(style <= 1), rows)
    _sparks(sheet, character, view, round_, np.flatnonzero(~dot | (view.gloss > 0.5)), rows)  # noqa: PLR2004


class _Iris:
    """Places on irises: the origin is the middle, 1 the rim."""

    def __init__(self, character: Character, view: View, eye: Eye) -> None:
        self._eye = eye
        # Irises shrink less than the opening of narrow eyes, and are cut by the lids.
        wide = character.eyes.iris * (0.5 * eye.height + 0.105 * view.eyes)
        tall = np.maximum(0.98 * eye.height, 1.08 * wide)
        self._size = np.stack([wide / eye.width, tall / eye.height], axis=1)[:, None]
        gaze = view.gaze * np.array([eye.side * 0.20, 0.14])
        # Eyes are set a little towards the nose.
        self._at = (gaze + np.array([-0.04, 0.0]))[:, None]

    def put(
        self,
        shape: NDArray[Any],
        *,
        x: ArrayLike = 0.0,
        y: ArrayLike = 0.0,
        size: float | tuple[float, float] = 1.0,
    ) -> Numbers:
        """Put shapes, (k, 2) or (n, k, 2), onto the pictures, cut by the lids; (n, k, 2)."""
        shift = np.stack(np.broadcast_arrays(np.atleast_1d(x), np.atleast_1d(y)), axis=1)[:, None]
        # The picture's left and right, whichever side the eye is on.
        flip = np.array([self._eye.side, 1.0])
        local = (shape * np.asarray(size) + shift) * flip * self._size + self._at
        return self._eye.within(local[..., 0].astype(np.float32), local[..., 1].astype(np.float32))


def _pupil(
    sheet: Sheet, character: Character, iris: _Iris, tint: Numbers, some: Rows, rows: Rows
) -> None:
    kind = character.eyes.pupil
    dark = tints.mix(tints.shade(tint, 3.5), tints.BLACK, 0.4)
    colour = np.where(_LIGHT[kind][:, None], tints.light(character.eyes.glow, 0.4), dark)
    shape = iris.put(_PUPILS[kind])
    some = some[PUPILS.index("none") != kind[some]]
    sheet.fill(shape[some], colour[some], rows=rows[some])


def _lid_shadow(sheet: Sheet, view: View, eye: Eye, white: Numbers, some: Rows, rows: Rows) -> None:
    some = some[view.depth[some] > 0.3]  # noqa: PLR2004  # else hardly seen
    upper = eye.upper
    edge = np.minimum(upper + 0.30, eye.lower)
    u = np.linspace(-1, 1, upper.shape[1])
    path = eye.at(np.concatenate([u, u[::-1]]), np.concatenate([upper, edge[:, ::-1]], axis=1))
    dark = tints.mix(white, (100.0, 60.0, 85.0), 0.2 + 0.25 * view.depth)
    sheet.fill(path[some], dark[some], rows=rows[some])


def _sparks(
    sheet: Sheet, character: Character, view: View, iris: _Iris, some: Rows, rows: Rows
) -> None:
    bright = character.eyes.spark * np.clip(0.45 + view.gloss, 0, 1)
    some = some[bright[some] > 0]
    lit = np.sign(view.lit).astype(np.float32)
    size = (0.2 + 0.16 * view.gloss)[:, None, None]
    first = iris.put(_CIRCLE[::2] * size, x=0.36 * lit, y=-0.42 * np.ones_like(lit))
    second = iris.put(_CIRCLE[::2] * size * 0.55, x=-0.40 * lit, y=0.34 * np.ones_like(lit))
    shine = tints.mix(character.eyes.glow, tints.WHITE, bright)
    sheet.fill(first[some], shine[some], rows=rows[some])
    twice = some[view.gloss[some] > 0.3]  # noqa: PLR2004  # little gloss is one spot
    sheet.fill(second[twice], shine[twice], rows=rows[twice])
