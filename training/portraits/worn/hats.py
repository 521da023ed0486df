"""Hats and helmets, and hoods and veils, which go round the head.

Half outlines run from the top of the middle to its bottom, in units of the head about the seat: the
middle of the rim above the forehead. A kind is a row of these tables, so that all hats of all
pictures are drawn by the same few marks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.portraits.easel import tints
from training.portraits.easel.curves import bend, moved, points, spline
from training.portraits.head import onto
from training.portraits.worn.craft import beside, cel, flat, palette, ring, seen, unsteady, whole
from training.portraits.worn.traits import HEADWEAR, place_of

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from training.portraits.character import Character
    from training.portraits.easel.curves import Paths
    from training.portraits.easel.sheet import Sheet
    from training.portraits.view import View
    from training.portraits.worn.traits import Worn

_HATS = place_of(HEADWEAR, "beret", "cap", "sailor", "witch", "straw", "helmet", "knit", "officer")
_CROWNS = np.array([
    [(0, -0.75), (0.7, -0.75), (1.3, -0.5), (1.45, -0.15), (1.15, 0.08), (0, 0.0)],
    [(0, -0.85), (0.55, -0.8), (1.0, -0.5), (1.22, -0.1), (1.18, 0.12), (0, 0.0)],
    [(0, -0.7), (0.6, -0.7), (1.1, -0.6), (1.28, -0.3), (1.22, 0.05), (0, 0.05)],
    [(0, -1.9), (0.1, -1.7), (0.45, -1.0), (0.85, -0.3), (1.15, 0.02), (0, 0.12)],
    [(0, -0.6), (0.6, -0.58), (0.95, -0.4), (1.1, -0.1), (1.15, 0.05), (0, 0.12)],
    [(0, -0.9), (0.65, -0.8), (1.15, -0.45), (1.38, 0.05), (1.34, 0.5), (0, -0.05)],
    [(0, -1.0), (0.6, -0.95), (1.1, -0.6), (1.3, -0.1), (1.27, 0.2), (0, 0.1)],
    [(0, -0.7), (0.9, -0.75), (1.45, -0.6), (1.24, -0.2), (1.18, 0.05), (0, 0.05)],
], np.float32)  # fmt: skip
_RIMS = np.array([
    [(0, -0.06), (0.8, -0.08), (1.15, -0.05), (1.2, 0.08), (0.8, 0.09), (0, 0.1)],
    [(0, -0.05), (0.6, -0.1), (0.9, -0.02), (0.95, 0.18), (0.55, 0.36), (0, 0.42)],
    [(0, -0.12), (0.9, -0.15), (1.36, -0.2), (1.4, 0.02), (0.9, 0.16), (0, 0.2)],
    [(0, -0.1), (1.0, -0.15), (1.9, -0.1), (2.2, 0.12), (1.3, 0.22), (0, 0.25)],
    [(0, -0.15), (1.0, -0.2), (1.8, -0.1), (2.0, 0.12), (1.3, 0.24), (0, 0.26)],
    [(0, -0.14), (0.9, -0.08), (1.3, 0.2), (1.4, 0.48), (1.12, 0.17), (0, 0.06)],
    [(0, -0.15), (0.8, -0.12), (1.3, -0.08), (1.33, 0.28), (0.8, 0.24), (0, 0.2)],
    [(0, -0.02), (0.55, -0.08), (0.95, 0.0), (0.95, 0.16), (0.5, 0.28), (0, 0.32)],
], np.float32)  # fmt: skip
# The hats that are also seen behind the head, and half the width and height of that.
_WIDE = place_of(HEADWEAR, "witch", "straw")
_BACK = np.array([[2.15, 0.42], [1.95, 0.45]], np.float32)

# Half the width and height of what lies round a head, and of its opening in front; how opaque.
_ROUND = place_of(HEADWEAR, "helmet", "hood", "veil", "wrap")
_SHELLS = np.array([
    [1.36, 1.5, 1.16, 0.95, 1.0], [1.8, 1.85, 1.14, 1.2, 1.0], [1.7, 1.9, 1.2, 0.95, 0.55],
    [1.5, 1.6, 1.0, 1.16, 1.0],
], np.float32)  # fmt: skip


def draw_back(sheet: Sheet, character: Character, view: View, rng: Generator) -> None:
    """Draw what of hats, hoods and veils lies behind the head."""
    worn = seen(view, 0)
    rows = np.flatnonzero(worn & np.isin(character.worn.headwear, _WIDE))
    if len(rows):
        self, eye = character.worn.take(rows), view.take(rows)
        reach = _BACK[np.searchsorted(_WIDE, self.headwear)]
        shell = whole(_ellipse_half(reach[:, 0], reach[:, 1]))
        place = moved(shell, 0.0, _seat(self), angle=self.lean, stretch=(self.size, self.size))
        flat(sheet, place, tints.shade(self.accent, 0.6 + eye.depth), eye, rows=rows)
    rows = np.flatnonzero(worn & np.isin(character.worn.headwear, _ROUND[1:]))
    if len(rows):
        self, eye = character.worn.take(rows), view.take(rows)
        shell = unsteady(_shell(self, eye, inner=False), rng)
        flat(sheet, shell, tints.shade(self.accent, 0.5 + eye.depth), eye, rows=rows)


def draw_hats(sheet: Sheet, character: Character, view: View, rng: Generator) -> None:
    """Draw hats, and the rims of hoods and veils, over the hair."""
    rows = np.flatnonzero(seen(view, 0) & np.isin(character.worn.headwear, _ROUND))
    if len(rows):
        _draw_rims(sheet, character.worn.take(rows), view.take(rows), rng, rows)
    rows = np.flatnonzero(seen(view, 0) & np.isin(character.worn.headwear, _HATS))
    if len(rows):
        _draw_hats(sheet, character.worn.take(rows), view.take(rows), rng, rows)


def _draw_hats(
    sheet: Sheet, worn: Worn, view: View, rng: Generator, rows: NDArray[np.intp]
) -> None:
    kind = np.searchsorted(_HATS, worn.headwear)
    colour, second = palette(worn.accent, rng), palette(worn.second, rng)
    crown = spline(unsteady(_CROWNS_WHOLE[kind] + worn.knots, rng), steps=3)
    rim = spline(unsteady(_RIMS_WHOLE[kind], rng), steps=3)
    # Hats sit askew less by turning than by leaning; only what juts out is carried round.
    seat, size = _seat(worn), worn.size**0.5
    cel(sheet, moved(crown, 0.0, seat, angle=worn.lean, stretch=(size, size)), colour, view,
        rows=rows)  # fmt: skip
    band = bend(points((-1.2, -0.02)), points((0.0, 0.12)), points((1.2, -0.02)))
    banded = np.flatnonzero(worn.petals >= 5)  # noqa: PLR2004  # most of them
    placed = moved(band, 0.0, seat, angle=worn.lean, stretch=(size, size))[banded]
    sheet.stroke(placed, second[banded], width=0.24, taper=(1, 1), rows=rows[banded])
    turned = np.isin(worn.headwear, _HATS[[1, 7]]) * 1.0
    rim = beside(rim, (0.0, seat, 1.1 * turned), view, angle=worn.lean, stretch=(size, size))
    flat(sheet, rim, np.where(turned[:, None] > 0, second, colour), view, rows=rows)
    badge = onto(moved(_BADGE, 0.5 * worn.place * worn.side, seat - 0.25), view, radius=1.2)
    flat(sheet, badge, palette(worn.metal, rng), view, rows=rows)


def _draw_rims(
    sheet: Sheet, worn: Worn, view: View, rng: Generator, rows: NDArray[np.intp]
) -> None:
    outer, inner = _shell(worn, view, inner=False), _shell(worn, view, inner=True)
    # One outline: all round outside, then back inside; the seam lies at the bottom.
    shell = unsteady(np.concatenate([outer, outer[:, :1], inner[:, :1], inner[:, ::-1]], 1), rng)
    opaque = _SHELLS[np.searchsorted(_ROUND, worn.headwear), 4]
    colour = palette(worn.accent, rng)
    sheet.fill(shell, colour, alpha=opaque, rows=rows)
    dark = np.flatnonzero(opaque >= 1)
    shade = moved(inner, -0.06 * view.lit, 0.02, stretch=(1.07, 1.05))
    fold = np.concatenate([shade, shade[:, :1], inner[:, :1], inner[:, ::-1]], 1)
    deep = tints.shade(colour, 0.3 + view.depth)
    sheet.fill(fold[dark], deep[dark], rows=rows[dark])
    ink = tints.ink(colour, view.darkness)
    drawn = np.flatnonzero(view.line > 0)
    sheet.fill(ring(inner[drawn], view.line[drawn]), ink[drawn], rows=rows[drawn])
    hem = moved(inner, 0.0, 0.0, stretch=(1.14, 1.12))
    hemmed = np.flatnonzero(worn.petals > 5)  # noqa: PLR2004  # half of them
    sheet.fill(ring(hem[hemmed], 0.07), palette(worn.second, rng)[hemmed], rows=rows[hemmed])


def _shell(worn: Worn, view: View, *, inner: bool) -> Paths:
    """Outlines round heads from the bottom on, float32 (m, 24, 2); openings turn with the head."""
    reach = _SHELLS[np.searchsorted(_ROUND, worn.headwear)]
    wide, high = (reach[:, 2], reach[:, 3]) if inner else (reach[:, 0], reach[:, 1])
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False, dtype=np.float32)[None]
    x = -wide[:, None] * np.sin(angle)
    y = high[:, None] * np.cos(angle) * np.where(np.cos(angle) > 0, 1.25, 0.85)
    shift = 0.25 * view.yaw if inner else 0.0 * view.yaw
    size = worn.size**0.4
    return moved(np.stack(np.broadcast_arrays(x, y), 2), shift, worn.low, stretch=(size, size))


def _seat(worn: Worn) -> NDArray[np.float32]:
    return np.asarray(worn.low - 0.52, np.float32)


def _ellipse_half(wide: NDArray[np.float32], high: NDArray[np.float32]) -> Paths:
    angle = np.linspace(-np.pi / 2, np.pi / 2, 9, dtype=np.float32)[None]
    return np.stack([wide[:, None] * np.cos(angle), high[:, None] * np.sin(angle)], 2)


def _star(tips: int) -> Paths:
    angle = np.linspace(0, 2 * np.pi, 2 * tips, endpoint=False) - np.pi / 2
    radius = np.where(np.arange(2 * tips) % 2, 0.07, 0.14)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)[None].astype(np.float32)


_CROWNS_WHOLE = whole(_CROWNS)
_RIMS_WHOLE = whole(_RIMS)
_BADGE = _star(5)
