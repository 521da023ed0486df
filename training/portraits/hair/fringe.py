"""The shape of a fringe: a row of locks on the forehead, on a head that looks straight ahead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from training.portraits.hair.traits import LOCKS
from training.portraits.rows import Rows

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from training.portraits.hair.traits import Hair

    Numbers = NDArray[np.floating[Any]]

# Half the width of a fringe, the y at which it ends beside the forehead, and the y of a forehead
# that is bare.
TEMPLE, TEMPLE_Y, HAIRLINE = 0.97, 0.06, -0.46

# A sideburn, from behind the ear to the temple, on the right.
_BURN = np.array([[1.15, 0.10], [1.11, 0.48], [1.06, 0.16], [1.01, 0.38]])

# Points of a lock's edge, as shares of the way from a gap to the tip, and from the tip to the next.
_FIRST = np.array([0.0, 0.05, 0.2, 0.45, 0.75, 1.0])
_SECOND = np.array([0.75, 0.45, 0.2, 0.05])
POINTS = 10

# How far artists stray from a character's fringe.
_STRAY = 0.04


@dataclass(frozen=True, slots=True, eq=False)
class Fringe(Rows):
    """The locks of n fringes, left to right; a fringe with fewer locks ends in empty ones.

    Attributes:
        edge: the lower edge, sideburns included, float32 (n, `POINTS` * `LOCKS` + 9, 2).
        gaps: where locks part, ends included, float32 (n, `LOCKS` + 1, 2).
        tips: float32 (n, `LOCKS`, 2).
        there: which locks are, bool (n, `LOCKS`).
    """

    edge: Numbers
    gaps: Numbers
    tips: Numbers
    there: NDArray[np.bool_]


def fringe(hair: Hair, rng: Generator | None = None) -> Fringe:
    """Shape the fringes of n characters.

    Args:
        hair: theirs.
        rng: how an artist strays from it; without it, it is the character's own.

    Returns:
        Their locks.
    """
    shape = (len(hair), LOCKS, 3)
    stray = np.zeros(shape) if rng is None else rng.normal(0, _STRAY, shape)
    there = np.arange(LOCKS)[None] < hair.count[:, None]
    bounds = _bounds(hair, stray[..., 0], there)
    middles = (bounds[:, 1:] + bounds[:, :-1]) / 2
    pointed = 1 - hair.blunt[:, None]
    tips = _reach(hair, middles) + (0.07 * hair.locks[..., 1] * pointed + stray[..., 1])
    gaps = _gaps(hair, bounds)
    lower = np.minimum(gaps[:, 1:], gaps[:, :-1])
    tips = np.maximum(tips, lower + 0.015 + 0.06 * pointed * there)
    away = np.tanh(4 * (middles - hair.part[:, None]))
    lean = (hair.sweep[:, None] * away + 0.05 * hair.locks[..., 2]) * pointed + stray[..., 2]
    peak = np.clip(0.5 + 0.14 * hair.locks[..., 2] + 0.25 * away * (hair.sweep[:, None] > 0.1),  # noqa: PLR2004  # clearly swept
                   0.15, 0.85)  # fmt: skip
    edge = _edge(bounds, gaps, tips, peak, lean * there, hair)
    points = edge[:, 5::POINTS]
    return Fringe(
        edge=_with_burns(hair, edge).astype(np.float32),
        gaps=np.stack([bounds, gaps], axis=2).astype(np.float32),
        tips=points.astype(np.float32),
        there=there,
    )


def lowest(hair: Hair, x: Numbers) -> Numbers:
    """Give the y down to which hair covers a forehead at x, whatever its locks; (n, k)."""
    deep = hair.depth * (1 - hair.blunt) * ~hair.bare
    covered: Numbers = _reach(hair, x) - deep[:, None]
    return covered


def _bounds(hair: Hair, stray: Numbers, there: NDArray[np.bool_]) -> Numbers:
    """The x at which locks part, (n, LOCKS + 1), from temple to temple."""
    widths = np.exp(0.3 * hair.locks[..., 0] + 2 * stray) * there
    ends = np.cumsum(widths, axis=1) / widths.sum(axis=1, keepdims=True)
    shares = np.concatenate([np.zeros((len(hair), 1)), ends], axis=1)
    return (2 * shares - 1) * TEMPLE


def _reach(hair: Hair, x: Numbers) -> Numbers:
    """The y that locks at x reach."""
    fringe, opening, part, over, blunt = (
        values[:, None] for values in (hair.fringe, hair.open, hair.part, hair.over, hair.blunt)
    )
    reach = fringe + 0.34 * (x**2 - 0.15) * (1 - 0.7 * blunt)
    reach = reach - 0.42 * opening * np.exp(-(((x - part * 0.8) / 0.30) ** 2))
    hidden = np.abs(over) * np.exp(-(((x - 0.5 * over) / 0.34) ** 2))
    reach = reach + hidden * np.maximum(0.52 - reach, 0)
    swept: Numbers = HAIRLINE + 0.05 + 0.38 * x**2
    return np.where(hair.bare[:, None], swept, reach)


def _gaps(hair: Hair, bounds: Numbers) -> Numbers:
    """The y at which locks part, (n, LOCKS + 1)."""
    deep = hair.depth * (1 - 0.88 * hair.blunt) * np.where(hair.bare, 0.2, 1)
    part = hair.part[:, None] * 0.8
    split = 0.30 * hair.open[:, None] * np.exp(-(((bounds - part) / 0.22) ** 2))
    split = np.where(hair.bare[:, None], 0, split)
    noise = 0.25 * np.concatenate([hair.locks[..., 2], hair.locks[:, :1, 2]], axis=1)
    gaps = _reach(hair, bounds) - deep[:, None] * (1 + noise).clip(0.4) - split
    gaps = np.maximum(gaps, -0.80)
    ends = np.abs(bounds) > TEMPLE - 1e-3
    whole: Numbers = np.where(ends, np.maximum(gaps, TEMPLE_Y), gaps)
    return whole


def _edge(  # what a row of locks is made of
    bounds: Numbers, gaps: Numbers, tips: Numbers, peak: Numbers, lean: Numbers, hair: Hair
) -> Numbers:
    """The lower edge, (n, `POINTS` * LOCKS + 1, 2): of a lock's points the sixth is its tip."""
    pointed = 1 - hair.blunt[:, None, None]
    # One side of a lock bulges, the one towards the part; the other is nearly straight.
    outward = ((bounds[:, 1:] + bounds[:, :-1]) / 2 > hair.part[:, None])[..., None]
    round_, plain = 0.10 + 0.30 * pointed, 0.12 + 0.62 * pointed
    first = _FIRST ** np.where(outward, round_, plain)
    second = _SECOND ** np.where(outward, plain, round_)
    down = np.concatenate([first, second], axis=2)
    rise = peak[..., None]
    along = np.concatenate([_FIRST * rise, 1 - _SECOND * (1 - rise)], axis=2)
    width = np.diff(bounds, axis=1)[..., None]
    x = bounds[:, :-1, None] + width * along + lean[..., None] * down**3
    # Both edges of a lock start where it parts from its neighbours.
    left, right = gaps[:, :-1, None], gaps[:, 1:, None]
    start = left + (right - left) * along
    y = start + (tips[..., None] - start) * down
    path = np.stack([x, y], axis=3).reshape(len(bounds), POINTS * LOCKS, 2)
    last = np.stack([bounds[:, -1:], gaps[:, -1:]], axis=2)
    edge: Numbers = np.concatenate([path, last], axis=1)
    return edge


def _with_burns(hair: Hair, edge: Numbers) -> Numbers:
    """Add what covers the ears, on both ends of an edge: one sees it on turned heads."""
    left = np.repeat(_BURN[None] * [-1.0, 1.0], len(hair), axis=0)
    right = np.repeat(_BURN[None], len(hair), axis=0)[:, ::-1]
    left[..., 1] += 0.12 * hair.locks[:, 0:4, 1]
    right[..., 1] += 0.12 * hair.locks[:, 4:8, 1]
    whole: Numbers = np.concatenate([left, edge, right], axis=1)
    return whole
