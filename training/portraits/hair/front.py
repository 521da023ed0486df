"""Hair before the face: the crown, the fringe, and all that falls from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from training.portraits.easel.curves import bend, ellipse, joined, points
from training.portraits.easel.tints import mix
from training.portraits.hair.fringe import Fringe, fringe
from training.portraits.hair.gloss import draw_shade, draw_shine
from training.portraits.hair.locks import draw_line, paint_lock
from training.portraits.hair.palette import Palette, outlines, palette
from training.portraits.hair.sides import draw_sides
from training.portraits.hair.strands import draw_strands
from training.portraits.hair.tails import draw_hanging
from training.portraits.hair.traits import LOCKS
from training.portraits.head import onto

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from training.portraits.character import Character
    from training.portraits.easel.curves import Paths
    from training.portraits.easel.sheet import Sheet
    from training.portraits.view import View

    Numbers = NDArray[np.floating[Any]]

# The ball that hair lies on, the y of the middle of its outline, and where it grows from.
RADIUS, MIDDLE_Y, ROOT_Y = 1.15, -0.10, -1.08


def outline(character: Character, view: View) -> Paths:
    """Give the outline of crown and fringe together.

    Args:
        character: n of them.
        view: theirs.

    Returns:
        Closed paths, float32 (n, k, 2), in units of the head, turned with it.
    """
    return joined(crown(character, view), _edge(fringe(character.hair), view))


def crown(character: Character, view: View) -> Paths:
    """Give the arc of a crown, open, from right to left, float32 (n, 33, 2)."""
    hair = character.hair
    middle = points((-0.10 * view.yaw, MIDDLE_Y))
    arc = ellipse(0, 0, hair.volume, 1.06 * hair.volume, start=18, end=-198, steps=32)
    # Tufts: every fourth point stands off, and leans.
    off = np.append(np.tile(np.array([0.1, 1.0, 0.35, 0.0], np.float32), 8), 0)
    noise = np.repeat(0.35 + 0.5 * np.abs(hair.locks[..., 1]), 4, axis=1)
    noise = np.append(noise, noise[:, :1], axis=1)
    away = 1 + (0.16 * hair.spike[:, None] * off * noise)[..., None]
    crowned: Paths = (middle + arc * away).astype(np.float32)
    return crowned


def draw_front(sheet: Sheet, character: Character, view: View, rng: Generator) -> None:
    """Draw all hair that lies before the face.

    Args:
        sheet: n pictures.
        character: n of them.
        view: theirs.
        rng: how the artist strays from the character.
    """
    colours = palette(character, view)
    locks = fringe(character.hair, rng)
    draw_hanging(sheet, character, view, colours, rng)
    draw_sides(sheet, character, view, colours, rng)
    shape = joined(crown(character, view), _edge(locks, view))
    paint_lock(sheet, shape, colours.base, edge=colours.edge, width=view.line * np.float32(0.8))
    draw_shade(sheet, view, colours, shape)
    _shade_locks(sheet, character, view, locks, colours, rng)
    draw_shine(sheet, character, view, colours, locks, rng)
    draw_strands(sheet, character, view, colours, rng)


def _edge(locks: Fringe, view: View) -> Paths:
    return onto(locks.edge, view, radius=RADIUS)


def _shade_locks(
    sheet: Sheet, character: Character, view: View, locks: Fringe, colours: Palette, rng: Generator
) -> None:
    """Draw shadows and lines from the gaps between locks up to where hair grows."""
    shape = (len(view), LOCKS)
    shadow = mix(colours.base, colours.shadow, np.where(view.soft, 0.6, 1.0))
    lit = mix(colours.base, colours.shine, 0.10 + 0.35 * view.gloss)
    chosen = rng.random(shape) < 0.55 + 0.45 * view.detail[:, None]
    finer = rng.random(shape) < 0.75 * view.detail[:, None]
    dark = rng.random(shape) < 0.5  # noqa: PLR2004  # a half
    length = rng.uniform(0.45, 1.0, shape).astype(np.float32)
    for place in range(1, LOCKS):
        rows = np.flatnonzero(locks.there[:, place] & chosen[:, place])
        seen, up = view.take(rows), length[rows, place]
        path = _grown_from(character, view, locks.gaps[:, place], length[:, place], rows)
        room = locks.gaps[rows, place + 1, 0] - locks.gaps[rows, place, 0]
        width = np.minimum(room, 0.4) * (0.12 + 0.30 * seen.depth) * (0.6 + 0.6 * up)
        aside = points((-0.4 * width * np.sign(seen.lit), 0.0))
        sheet.stroke(path + aside, shadow[rows], width=width, taper=(0.35, 0.0), rows=rows)
        draw_line(sheet, path, colours.inner[rows], width=outlines(seen), taper=(1.0, 0.2),
                  rows=rows)  # fmt: skip
        rows = np.flatnonzero(locks.there[:, place] & finer[:, place])
        start = locks.tips[:, place] - np.array([0.0, 0.10], np.float32)
        path = _grown_from(character, view, start, 0.7 * length[:, place], rows)
        tint = np.where(dark[rows, place, None], shadow[rows], lit[rows])
        sheet.stroke(path, tint, width=0.02 + 0.05 * length[rows, -place], rows=rows)


def _grown_from(
    character: Character, view: View, start: Numbers, share: Numbers, rows: NDArray[np.intp]
) -> Paths:
    """Run from places on a fringe a share of the way to where hair grows, (m, 6, 2)."""
    root, up = 0.7 * character.hair.part[rows], share[rows]
    x, low = start[rows, 0], start[rows, 1] + 0.03
    top = low + (ROOT_Y - low) * up
    end = x + (root - x) * up**1.5
    bow = x + 0.12 * (x - root)
    path = bend(points((x, low)), points((bow, (low + top) / 2)), points((end, top)), steps=5)
    return onto(path, view.take(rows), radius=RADIUS)
