"""Light on the crown: shade on one side, and the shine that artists draw on hair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from training.portraits.easel.curves import bend, points
from training.portraits.easel.tints import mix
from training.portraits.hair.fringe import Fringe, lowest
from training.portraits.hair.traits import LOCKS, SHINES
from training.portraits.head import onto

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from training.portraits.character import Character
    from training.portraits.easel.curves import Paths
    from training.portraits.easel.sheet import Sheet
    from training.portraits.hair.palette import Palette
    from training.portraits.hair.traits import Hair
    from training.portraits.view import View

    Numbers = NDArray[np.floating[Any]]

# Teeth of a zigzag band.
_TEETH = 13


def draw_shine(  # the shape and its locks are known already
    sheet: Sheet,
    character: Character,
    view: View,
    colours: Palette,
    locks: Fringe,
    rng: Generator,
) -> None:
    """Draw shine and a dyed lock on a crown and its fringe.

    Args:
        sheet: n pictures.
        character: n of them.
        view: theirs.
        colours: the artist's.
        locks: of the fringe.
        rng: how the artist strays.
    """
    hair = character.hair
    # Another lock has another colour: the second, wherever it is.
    rows = np.flatnonzero(hair.meshed)
    _streak(sheet, character, view, colours, locks, rows)
    y = (-0.50 + 0.05 * hair.locks[:, 0, 0] + rng.normal(0, 0.05, len(hair))).astype(np.float32)
    strays = rng.random(len(hair)) < 0.2  # noqa: PLR2004  # a fifth of artists draw another shine
    kinds = np.where(strays, rng.integers(0, len(SHINES), len(hair)), hair.shine)
    kinds = np.where(view.gloss > 0.12, kinds, 0)  # noqa: PLR2004  # too weak to be seen
    alpha = np.where(view.soft, 0.15 + 0.45 * view.gloss, 0.35 + 0.6 * view.gloss)
    for kind, teeth in ((1, 0.0), (2, 1.0)):
        rows = np.flatnonzero(kinds == kind)
        band = _band(hair.take(rows), y[rows], teeth, rng)
        sheet.fill(onto(band, view.take(rows), radius=1.15), colours.shine[rows],
                   alpha=alpha[rows], rows=rows)  # fmt: skip
    for kind in (3, 4):
        rows = np.flatnonzero(kinds == kind)
        tint = mix(colours.base, colours.shine, alpha)
        _spots(sheet, view, rows, tint, locks if kind == 4 else None, y)  # noqa: PLR2004


def draw_shade(sheet: Sheet, view: View, colours: Palette, shape: Paths) -> None:
    """Shade the side of a crown that lies away from the light, in one step or softly in three.

    Args:
        sheet: n pictures.
        view: theirs.
        colours: the artist's.
        shape: the outline, (n, k, 2).
    """
    for step in range(3):
        shaded = (view.depth > 0.25) & (view.soft if step < 2 else True)  # noqa: PLR2004
        rows = np.flatnonzero(shaded)
        side = -np.sign(view.lit[rows])[:, None]
        path = shape[rows] * np.stack([side, np.ones_like(side)], axis=2)
        # What lies before the edge of the shadow is pushed onto it, which leaves no area there.
        bound = 0.62 - 0.16 * (2 - step) - 0.35 * (path[..., 1] + 0.2) ** 2
        path[..., 0] = np.maximum(path[..., 0], bound)
        share = np.where(view.soft[rows], 0.2 * (step + 1), 0.55) * np.minimum(view.depth[rows], 1)
        sheet.fill(path * np.stack([side, np.ones_like(side)], axis=2),
                   mix(colours.base[rows], colours.shadow[rows], share), rows=rows)  # fmt: skip


def _band(hair: Hair, y: Numbers, teeth: float, rng: Generator) -> Paths:
    """A band from side to side, smooth or zigzag, float32 (m, 2 * teeth, 2)."""
    count = len(hair)
    x = np.linspace(-1.0, 1.0, _TEETH)[None]
    up = np.where(np.arange(_TEETH) % 2, 1.0, -1.0) * teeth
    noise = rng.uniform(0.3, 1.0, (2, count, _TEETH))
    middle = y[:, None] + 0.16 * x**2
    thick = (0.10 + 0.03 * hair.locks[:, 0, 1])[:, None] * (1 - x**2) ** 0.7
    # Not where the forehead is seen.
    thick = thick * np.clip(6 * (lowest(hair, 0.85 * x) - middle) - 0.3, 0, 1)
    upper = middle - thick * (1 + 0.7 * up * noise[0])
    lower = middle + thick * (1 - 1.0 * up * noise[1])
    wide = np.broadcast_to(0.85 * x, upper.shape)
    top, bottom = np.stack([wide, upper], 2), np.stack([wide, lower], 2)
    return np.concatenate([top, bottom[:, ::-1]], axis=1).astype(np.float32)


def _spots(  # two kinds of one thing
    sheet: Sheet,
    view: View,
    rows: NDArray[np.intp],
    shine: Numbers,
    locks: Fringe | None,
    y: Numbers,
) -> None:
    """Short strokes: five over the crown, or one on each of some locks."""
    for place in range(1, LOCKS, 2):
        if locks is None:
            kept, x = rows, np.full(len(rows), (place - LOCKS / 2) * 0.22, np.float32)
            low, high = y[kept] + 0.12 * x**2 + 0.05, y[kept] + 0.12 * x**2 - 0.12
        else:
            kept = rows[locks.there[rows, place]]
            x = locks.tips[kept, place, 0] * 0.9
            low = locks.tips[kept, place, 1] - 0.22
            high = low - 0.22
        path = bend(
            points((x, low)), points((0.95 * x, (low + high) / 2)), points((0.85 * x, high))
        )
        sheet.stroke(onto(path, view.take(kept), radius=1.15), shine[kept], width=0.09,
                     taper=(0.2, 0.0), rows=kept)  # fmt: skip


def _streak(
    sheet: Sheet,
    character: Character,
    view: View,
    colours: Palette,
    locks: Fringe,
    rows: NDArray[np.intp],
) -> None:
    """Dye the second lock of fringes."""
    if not len(rows):
        return
    tip, left, right = locks.tips[rows, 1], locks.gaps[rows, 1], locks.gaps[rows, 2]
    root = 0.7 * character.hair.part[rows]
    path = points((left[:, 0], left[:, 1]), (tip[:, 0], tip[:, 1]), (right[:, 0], right[:, 1]),
                  ((right[:, 0] + root) / 2, -0.65), (root, -1.15),
                  ((left[:, 0] + root) / 2, -0.65))  # fmt: skip
    sheet.fill(onto(path, view.take(rows), radius=1.15), colours.streak[rows], rows=rows)
