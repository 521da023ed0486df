"""What all worn things share: their place on a head that turns, their shapes and their shades."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.portraits.easel import tints
from training.portraits.easel.curves import grown, joined, mirrored, moved

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import ArrayLike, NDArray

    from training.portraits.easel.curves import Paths
    from training.portraits.easel.sheet import Sheet
    from training.portraits.easel.tints import Tints
    from training.portraits.view import View

    Numbers = NDArray[np.floating]

# The share of views in which a character goes without a thing.
BARE = 0.12

# As in `head.onto`: radians of a yaw and a pitch of 1.
_YAW, _PITCH = 1.15, 0.45


def seen(view: View, whim: int) -> NDArray[np.bool_]:
    """Tell whether characters wear a thing in these views.

    Args:
        view: n views.
        whim: which of `View.whims` decides, 0 to 3; layers that ask for the same one agree.

    Returns:
        bool (n,).
    """
    return view.whims[:, whim] > BARE


def whole(half: Paths) -> Paths:
    """Complete right halves, from the top to the bottom of the middle, to closed outlines."""
    return joined(half, mirrored(half)[:, 1:-1])


def beside(
    path: ArrayLike,
    place: tuple[ArrayLike, ArrayLike, ArrayLike],
    view: View,
    *,
    angle: ArrayLike = 0.0,
    stretch: tuple[ArrayLike, ArrayLike] = (1.0, 1.0),
) -> Paths:
    """Put paths where they are carried round by a turning head, without getting narrower.

    Args:
        path: (k, 2) or (n, k, 2), about its own origin.
        place: x, y and depth, towards the onlooker, in units of the head; numbers or (n,).
        view: n views.
        angle: degrees clockwise.
        stretch: factors of width and height.

    Returns:
        float32 (n, k, 2).
    """
    x, y, depth = (np.asarray(value, np.float32) for value in place)
    yaw, pitch = _YAW * view.yaw, _PITCH * view.pitch
    near = depth * np.cos(yaw) - x * np.sin(yaw)
    across = x * np.cos(yaw) + depth * np.sin(yaw)
    return moved(path, across, y + 0.35 * np.sin(pitch) * near, angle=angle, stretch=stretch)


def palette(colours: Tints, rng: Generator) -> Tints:
    """Vary colours a little, as another artist's paint would; float32 (n, 3)."""
    factors = np.exp(rng.normal(0, 0.07, colours.shape) + rng.normal(0, 0.08, (len(colours), 1)))
    return np.clip(colours * factors, 0, 255).astype(np.float32)


def unsteady(path: NDArray[np.floating], rng: Generator, amount: float = 0.012) -> Paths:
    """Vary knots a little, as another artist's hand would; float32 (n, k, 2)."""
    drawn: Paths = (path + rng.normal(0, amount, path.shape)).astype(np.float32)
    return drawn


def rosette(points: ArrayLike, depth: ArrayLike, *, steps: int = 30) -> Paths:
    """Outline flowers, stars and balls of a radius of 1.

    Args:
        points: how many petals; (n,).
        depth: how deep it is cut between them, 0 for a ball; (n,).
        steps: points of an outline.

    Returns:
        float32 (n, steps, 2).
    """
    angle = np.linspace(0, 2 * np.pi, steps, endpoint=False, dtype=np.float32)[None]
    wave = np.cos(angle * np.asarray(points, np.float32)[:, None])
    radius = 1 - np.asarray(depth, np.float32)[:, None] * (0.5 - 0.5 * wave).clip(0) ** 1.5
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=2).astype(np.float32)


def superellipse(width: Numbers, height: Numbers, roundness: Numbers, *, steps: int = 20) -> Paths:
    """Outline lenses, from ellipses (2) to rounded boxes (5); float32 (n, steps, 2)."""
    angle = np.linspace(0, 2 * np.pi, steps, endpoint=False, dtype=np.float32)[None]
    power = (2 / roundness)[:, None]
    x = width[:, None] * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power
    y = height[:, None] * np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** power
    return np.stack([x, y], axis=2).astype(np.float32)


def ring(path: Paths, width: ArrayLike) -> Paths:
    """Outline closed lines of a width along smooth paths; float32 (n, 2 * k + 2, 2)."""
    half = np.asarray(width, np.float32) / 2
    outer, inner = grown(path, half), grown(path, -half)
    return np.concatenate([outer, outer[:, :1], inner[:, :1], inner[:, ::-1]], axis=1)


def cel(sheet: Sheet, path: Paths, colour: Tints, view: View, *, rows: NDArray[np.intp]) -> None:
    """Paint shapes with an outline and the shade of one cel layer, on the side away from light.

    What is lit is the shape itself, smaller and moved towards the light: it stays inside by itself.

    Args:
        sheet: where.
        path: (m, k, 2).
        colour: (m, 3).
        view: m views.
        rows: the pictures; intp (m,).
    """
    depth = view.depth * np.where(view.soft, 0.5, 1.0)
    outline(sheet, path, colour, view, rows=rows)
    sheet.fill(path, tints.shade(colour, depth), rows=rows)
    middle = path.mean(axis=1, keepdims=True)
    reach = 0.5 * np.ptp(path, axis=1, keepdims=True)
    shift = reach * np.stack([0.13 * view.lit, -0.12 + 0 * view.lit], axis=1)[:, None]
    lit = middle + 0.84 * (path - middle) + shift
    if view.soft.any():
        blend = tints.shade(colour, 0.5 * depth)
        sheet.fill((path + lit) / 2, blend, rows=rows, alpha=view.soft)
    sheet.fill(lit, colour, rows=rows)


def outline(
    sheet: Sheet, path: Paths, colour: Tints, view: View, *, rows: NDArray[np.intp]
) -> None:
    """Lay the outlines of closed shapes, in the ink of their colours, below what fills them."""
    edge = tints.ink(colour, view.darkness)
    sheet.fill(grown(path, 0.7 * view.line), edge, alpha=view.line > 0, rows=rows)


def flat(sheet: Sheet, path: Paths, colour: Tints, view: View, *, rows: NDArray[np.intp]) -> None:
    """Paint shapes with outlines and without shade."""
    outline(sheet, path, colour, view, rows=rows)
    sheet.fill(path, colour, rows=rows)
