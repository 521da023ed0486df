"""The locks beside the face."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from training.portraits.easel.curves import joined, points, spline
from training.portraits.hair.locks import draw_line, paint_lock
from training.portraits.hair.palette import outlines
from training.portraits.head import onto

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from training.portraits.character import Character
    from training.portraits.easel.curves import Paths
    from training.portraits.easel.sheet import Sheet
    from training.portraits.hair.palette import Palette
    from training.portraits.view import View

    Numbers = NDArray[np.floating[Any]]

# Where they begin: under the fringe.
_TOP = -0.40

# Places along a lock, from where it begins to its tip.
_ALONG = np.array([0.0, 0.25, 0.45, 0.62, 0.78, 0.90, 1.0], np.float32)


def draw_sides(
    sheet: Sheet, character: Character, view: View, colours: Palette, rng: Generator
) -> None:
    """Draw two locks on each side of the face, the outer ones below the inner ones."""
    hair = character.hair
    count = len(view)
    for place, side in enumerate((-1, 1)):
        stray = 1 + rng.normal(0, 0.04, (3, count)).astype(np.float32)
        width = hair.side_width[:, place] * stray[0]
        long = hair.side_length[:, place] * stray[1]
        inner, outer = _columns(character, view, side, width, long)
        # Tips end nearer to the face, or turn away from it.
        turn = 0.35 + 0.25 * hair.locks[:, place, 1] + 0.3 * (stray[2] - 1)
        back = _lock(inner, outer, 0.35, 1.0, np.clip(turn + 0.45, 0.2, 1.3))
        # The far ones are partly in the shadow of the others.
        away = side * view.lit < 0
        base = np.where(away[:, None], colours.shadow, colours.base)
        paint_lock(sheet, back, base, edge=colours.edge, width=outlines(view) * 1.3)
        _dye(sheet, character, colours, inner, outer, 0.35, 1.0, turn + 0.45)
        shift = points((0.0, -0.12 * (long - _TOP) * (0.6 + 0.5 * hair.locks[:, place, 0])))
        front = _lock(inner, outer, 0.0, 0.6, np.clip(turn, -0.1, 0.8))
        front = front + shift * _falling(front.shape[1])
        paint_lock(sheet, front, colours.base, edge=colours.edge, width=outlines(view) * 1.3)
        _dye(sheet, character, colours, inner, outer, 0.0, 0.6, turn)
        line = spline(_share(inner, outer, np.full(7, 0.33, np.float32)), closed=False, steps=2)
        sheet.stroke(line[:, 2:11], colours.shadow, width=0.25 * width * view.depth,
                     taper=(0.0, 0.0))  # fmt: skip
        rows = np.flatnonzero(view.detail > 0.4)  # noqa: PLR2004  # who draws more than the outline
        beside = line[rows, 1:10] + np.array([0.04 * side, 0], np.float32)
        draw_line(sheet, beside, colours.inner[rows], width=outlines(view)[rows], rows=rows)


def _columns(
    character: Character, view: View, side: int, width: Numbers, long: Numbers
) -> tuple[Paths, Paths]:
    """The edges towards the face and away from it, each (n, 7, 2)."""
    hair = character.hair
    reach = (long - _TOP)[:, None]
    y = _TOP + reach * _ALONG
    near = np.clip(0.70 + 1.2 * _ALONG, 0, 1) - (width[:, None] - 0.02) * np.clip(3 * _ALONG, 0, 1)
    inner = onto(np.stack([side * near, y], axis=2).astype(np.float32), view, radius=1.15)
    # Seen from the side, the near ones leave the face free.
    inner[..., 0] = side * np.maximum(side * inner[..., 0], -0.22)
    swing = 0.16 * view.breeze[:, None] * reach * _ALONG**2
    angle = 2 * np.pi * (0.9 * reach * _ALONG + hair.locks[:, :1, 2] + 0.25 * side)
    swing = swing + 0.13 * hair.wave[:, None] * np.sin(angle) * np.clip(2 * _ALONG, 0, 1)
    silhouette = hair.volume[:, None] * (0.99 - 0.05 * np.maximum(y, 0)) - 0.03
    outside = side * silhouette - 0.10 * view.yaw[:, None]
    # What is left of a lock on the far side of a turned head.
    least = inner[..., 0] + side * 0.35 * width[:, None]
    outside = np.maximum(outside, least) if side > 0 else np.minimum(outside, least)
    inner = np.stack([inner[..., 0] + swing, y], axis=2)
    return inner.astype(np.float32), np.stack([outside + swing, y], 2).astype(np.float32)


def _share(inner: Paths, outer: Paths, share: Numbers) -> Paths:
    between: Paths = (inner + (outer - inner) * share[..., None]).astype(np.float32)
    return between


def _lock(inner: Paths, outer: Paths, first: float, last: float, tip: Numbers) -> Paths:
    """One lock between two shares of the way from the inner edge to the outer one."""
    pull = _ALONG**3.5
    left = first + (tip[:, None] - first) * pull
    right = last + (tip[:, None] - last) * pull
    one = spline(_share(inner, outer, left), closed=False, steps=2)
    other = spline(_share(inner, outer, right), closed=False, steps=2)
    return joined(one, other[:, ::-1])


def _falling(steps: int) -> Paths:
    """How far along each point of a lock's outline is, (1, steps, 1)."""
    half = np.linspace(0, 1, steps // 2, dtype=np.float32) ** 2
    return np.concatenate([half, half[::-1]])[None, :, None]


def _dye(
    sheet: Sheet,
    character: Character,
    colours: Palette,
    inner: Paths,
    outer: Paths,
    first: float,
    last: float,
    tip: Numbers,
) -> None:
    """Run the lower part of locks into the colour of their tips, in two steps."""
    dyed = character.hair.dyed
    rows = np.flatnonzero(dyed > 0)
    if not len(rows):
        return
    shape = _lock(inner[rows], outer[rows], first + 0.04, last - 0.04, tip[rows])
    half = shape.shape[1] // 2
    for step in (0, 1):
        start = min(half - 3, 4 + 3 * step)
        sheet.fill(shape[:, start : 2 * half - start - 3], colours.tips[rows],
                   alpha=0.35 + 0.4 * dyed[rows], rows=rows)  # fmt: skip
