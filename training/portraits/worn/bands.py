"""What goes over the head from ear to ear: hairbands, frills, crowns, headphones, bandages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.portraits.easel import tints
from training.portraits.easel.curves import ellipse, moved
from training.portraits.head import onto
from training.portraits.worn.craft import beside, cel, flat, palette, seen
from training.portraits.worn.traits import HEADWEAR, place_of

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from training.portraits.character import Character
    from training.portraits.easel.curves import Paths
    from training.portraits.easel.sheet import Sheet
    from training.portraits.easel.tints import Tints
    from training.portraits.view import View
    from training.portraits.worn.traits import Worn

_KINDS = place_of(HEADWEAR, "hairband", "maid", "crown", "headphones", "bandeau")
# Height of the arch above the ears, its width, how far its outer edge waves, and how sharply.
_SHAPES = np.array([
    [0.78, 0.13, 0.0, 1.0], [0.72, 0.3, 0.45, 0.6], [0.6, 0.34, 0.75, 1.6], [1.0, 0.14, 0.0, 1.0],
    [0.42, 0.17, 0.0, 1.0],
], np.float32)  # fmt: skip
_MAID, _CROWN, _PHONES = 1, 2, 3
_WAVES = 5


def draw_bands(sheet: Sheet, character: Character, view: View, rng: Generator) -> None:
    """Draw bands of all heads that wear one."""
    rows = np.flatnonzero(seen(view, 0) & np.isin(character.worn.headwear, _KINDS))
    if not len(rows):
        return
    worn, eye = character.worn.take(rows), view.take(rows)
    kind = np.searchsorted(_KINDS, worn.headwear)
    own = np.where((kind == _MAID)[:, None], tints.WHITE, worn.accent)
    colour = palette(np.where((kind == _CROWN)[:, None], worn.metal, own), rng)
    cel(sheet, _arch(worn, eye, 1.0), colour, eye, rows=rows)
    trimmed = np.flatnonzero((worn.petals >= 6) | (kind == _MAID))  # noqa: PLR2004  # half of them
    line = _arch(worn, eye, 0.35)[trimmed]
    sheet.fill(line, palette(worn.second, rng)[trimmed], rows=rows[trimmed])
    gem = np.flatnonzero(kind == _CROWN)
    stone = onto(moved(_GEM, 0.0, -0.12 - _SHAPES[_CROWN, 0] + worn.low), eye, radius=1.25)
    flat(sheet, stone[gem], worn.accent[gem], eye.take(gem), rows=rows[gem])
    phones = np.flatnonzero(kind == _PHONES)
    if len(phones):
        _draw_cups(sheet, worn.take(phones), eye.take(phones), colour[phones], rows[phones])


def _arch(worn: Worn, view: View, share: float) -> Paths:
    """Outline a share of a band's width, float32 (m, 62, 2), turned with the head."""
    height, width, wave, sharp = _SHAPES[np.searchsorted(_KINDS, worn.headwear)].T[:, :, None]
    t = np.linspace(0, 1, 31, dtype=np.float32)[None]
    angle = np.pi * (1 + t)
    crest = np.abs(np.sin(np.pi * t * (_WAVES + (worn.petals[:, None] > 5)))) ** sharp  # noqa: PLR2004
    outer = (
        share
        * width
        * worn.size[:, None]
        * (1 + wave * (crest - 0.3))
        * np.sin(np.pi * t).clip(0) ** 0.4
    )
    edges = []
    for add in (outer, -0.2 * outer):
        x, y = (1.2 + 0.4 * add) * np.cos(angle), -0.12 + (height + add) * np.sin(angle)
        edges.append(np.stack(np.broadcast_arrays(x, y), 2))
    path = np.concatenate([edges[0], edges[1][:, ::-1]], 1)
    path = moved(path, 0.0, worn.low, angle=worn.lean * 0.5)
    # The arch lies over the top, whose depth is little: it turns less than the face does.
    return moved(path, 0.25 * view.yaw, -0.08 * view.pitch).astype(np.float32)


def _draw_cups(sheet: Sheet, worn: Worn, view: View, colour: Tints, rows: NDArray[np.intp]) -> None:
    for side in (-1, 1):
        place = (side * 1.14, 0.12 + 0.5 * worn.low, 0.0)
        for reach, paint in ((1.0, colour), (0.62, worn.second)):
            disc = ellipse(0, 0, 0.24 * reach, 0.36 * reach, steps=14)
            flat(sheet, beside(disc, place, view, stretch=(worn.size, worn.size)), paint, view,
                 rows=rows)  # fmt: skip


_GEM = ellipse(0, 0, 0.09, 0.13, steps=6)
