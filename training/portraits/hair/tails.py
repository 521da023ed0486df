"""Tied hair: tails and buns behind the head, plaits and drills that hang before the shoulders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from training.portraits.easel.curves import bend, ellipse, joined, points, spline
from training.portraits.easel.tints import ink, shade
from training.portraits.hair.locks import draw_line, paint_lock
from training.portraits.hair.palette import Palette, outlines

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from training.portraits.character import Character
    from training.portraits.easel.curves import Paths
    from training.portraits.easel.sheet import Sheet
    from training.portraits.view import View

    Numbers = NDArray[np.floating[Any]]
    Places = NDArray[np.intp]

# Links of a plait and of a drill.
_LINKS = 6

# Places along a tail.
_ALONG = np.linspace(0.0, 1.0, 7, dtype=np.float32)


def draw_tails(
    sheet: Sheet, character: Character, view: View, colours: Palette, rng: Generator
) -> None:
    """Draw what is tied behind the head; to be drawn before the mass of the hair.

    Args:
        sheet: n pictures.
        character: n of them.
        view: theirs.
        colours: the artist's.
        rng: how the artist strays from the character.
    """
    hair = character.hair
    own = np.where(hair.locks[:, 0, 0] > 0, 1, -1)
    for side in (-1, 1):
        rows = np.flatnonzero(hair.has("twintails"))
        _tail(sheet, character, view, colours, rows, np.full(len(rows), side), rng)
        rows = np.flatnonzero(hair.has("buns"))
        _bun(sheet, character, view, colours, rows, side)
        _hanging(sheet, character, view, colours, _far(view, side), side, rng)
    rows = np.flatnonzero(hair.has("sidetail", "ponytail"))
    _tail(sheet, character, view, colours, rows, own[rows], rng)


def draw_hanging(
    sheet: Sheet, character: Character, view: View, colours: Palette, rng: Generator
) -> None:
    """Draw what hangs before the shoulders.

    Args:
        sheet: n pictures.
        character: n of them.
        view: theirs.
        colours: the artist's.
        rng: how the artist strays from the character.
    """
    for side in (-1, 1):
        _hanging(sheet, character, view, colours, ~_far(view, side), side, rng)


def _far(view: View, side: int) -> NDArray[np.bool_]:
    """Tell which heads are so far turned that this side lies behind them."""
    return side * view.yaw > 0.2  # noqa: PLR2004  # the ear cannot be seen any more


def _hanging(  # one side of what hangs
    sheet: Sheet,
    character: Character,
    view: View,
    colours: Palette,
    chosen: NDArray[np.bool_],
    side: int,
    rng: Generator,
) -> None:
    hair = character.hair
    rows = np.flatnonzero(hair.has("pigtails") & chosen)
    _pigtail(sheet, character, view, colours, rows, side, rng)
    rows = np.flatnonzero(hair.has("braids", "drills") & chosen)
    _links(sheet, character, view, colours, rows, side)


def _beside(seen: View, side: int) -> Numbers:
    """How far what hangs behind an ear moves with the head, float32 (n,)."""
    return np.where(side * seen.yaw < 0, 0.35, -0.05) * seen.yaw


def _tail(
    sheet: Sheet,
    character: Character,
    view: View,
    colours: Palette,
    rows: Places,
    side: NDArray[np.intp],
    rng: Generator,
) -> None:
    """A tail that starts at the side of the head and falls in a bow."""
    hair, seen = character.hair.take(rows), view.take(rows)
    x0 = side * 0.95 - 0.15 * seen.yaw
    y0 = -0.50 + 0.40 * hair.tie
    reach = 1.4 + 1.2 * hair.tail + rng.normal(0, 0.06, len(rows))
    out = 0.45 + 0.25 * hair.tail + 0.2 * hair.locks[:, 1, 0]
    t = _ALONG[None]
    x = x0[:, None] + (side * out)[:, None] * np.sin(np.pi * np.clip(t * 0.8, 0, 1)) ** 0.7
    x = x + 0.35 * seen.breeze[:, None] * t**2
    x = x + 0.14 * hair.wave[:, None] * np.sin(2 * np.pi * (1.4 * t + hair.locks[:, 2:3, 0]))
    rise = 0.35 * np.sin(np.pi * np.clip(2.5 * t, 0, 1))
    y = y0[:, None] + reach[:, None] * t**1.2 - rise
    half = (0.32 * hair.tail)[:, None] * (0.35 + np.sin(np.pi * t**0.6).clip(0) ** 0.8) * (t < 1)
    _hank(sheet, colours, seen, rows, x, y, half)
    _tie(sheet, character, view, rows, x0 + 0.08 * side, y0 - 0.1)


def _pigtail(
    sheet: Sheet,
    character: Character,
    view: View,
    colours: Palette,
    rows: Places,
    side: int,
    rng: Generator,
) -> None:
    """A short tail below an ear, tied near the jaw."""
    hair, seen = character.hair.take(rows), view.take(rows)
    x0 = side * (0.98 + 0.06 * hair.tie) + _beside(seen, side)
    y0 = 0.65 + 0.22 * hair.tie
    reach = 0.75 * hair.tail + rng.normal(0, 0.04, len(rows))
    t = _ALONG[None]
    x = x0[:, None] + side * 0.18 * np.sin(np.pi * t) + 0.2 * seen.breeze[:, None] * t**2
    x = x + 0.10 * hair.wave[:, None] * np.sin(2 * np.pi * (t + hair.locks[:, 2:3, 0]))
    y = y0[:, None] + reach[:, None] * t
    half = (0.30 * hair.tail)[:, None] * (0.25 + np.sin(np.pi * t**0.8).clip(0) ** 0.7) * (t < 1)
    # What leads to the tie, from the side of the head.
    start = points((0.95 * x0, -0.2))
    lead = bend(start, points((x0 + side * 0.12, y0 - 0.45)), points((x0, y0)), steps=5)
    around = np.where(seen.line > 0, 0.30 + 2 * seen.line, 0)
    draw_line(sheet, lead, colours.edge[rows], width=around, taper=(1.0, 0.4), rows=rows)
    sheet.stroke(lead, colours.base[rows], width=0.30, taper=(1.0, 0.4), rows=rows)
    _hank(sheet, colours, seen, rows, x, y, half)
    _tie(sheet, character, view, rows, x0, y0)


def _hank(  # a path, its width, and how it is drawn
    sheet: Sheet, colours: Palette, seen: View, rows: Places, x: Numbers, y: Numbers, half: Numbers
) -> None:
    """Loose hair along a path of seven points; half its width at each."""

    def aside(share: float) -> Paths:
        path = np.stack([x + share * half, y], axis=2).astype(np.float32)
        return spline(path, closed=False, steps=2)

    left, right = aside(-1.0), aside(1.0)
    shape = joined(left, right[:, ::-1])
    paint_lock(
        sheet, shape, colours.base[rows], edge=colours.edge[rows], width=seen.line, rows=rows
    )
    # The lower end of dyed hair.
    dyed = np.flatnonzero((colours.tips != colours.base)[rows].any(axis=1))
    sheet.fill(joined(left[dyed, 7:], right[dyed, 7:][:, ::-1]), colours.tips[rows[dyed]],
               alpha=0.6, rows=rows[dyed])  # fmt: skip
    dark = np.where(seen.lit > 0, -1, 1)[:, None]
    shadow = np.stack([x + 0.45 * dark * half, y], axis=2).astype(np.float32)
    sheet.stroke(spline(shadow, closed=False, steps=2), colours.shadow[rows],
                 width=0.8 * half.max(axis=1), alpha=0.85, rows=rows)  # fmt: skip
    for share in (-0.35, 0.3):
        draw_line(
            sheet, aside(share)[:, 1:11], colours.inner[rows], width=outlines(seen), rows=rows
        )


def _tie(
    sheet: Sheet, character: Character, view: View, rows: Places, x: Numbers, y: Numbers
) -> None:
    """A band round tied hair, or beads, in the colour of what the character wears."""
    seen, hair = view.take(rows), character.hair.take(rows)
    colour = character.worn.accent[rows]
    edge = ink(colour, seen.darkness)
    wide = 0.13 + 0.05 * np.abs(hair.locks[:, 3, 1])
    sheet.paint(ellipse(x, y, wide, 0.09 + 0.4 * wide, steps=10), colour, edge=edge,
                width=outlines(seen), rows=rows)  # fmt: skip
    kept = hair.locks[:, 3, 2] > 0.3  # noqa: PLR2004  # about two in five
    x, y, wide = x[kept], y[kept], wide[kept]
    far, high = 1.5 * wide, 0.9 * wide
    loops = points((x, y), (x - far, y - high), (x - far, y + high), (x, y),
                   (x + far, y + high), (x + far, y - high))  # fmt: skip
    paint_lock(sheet, loops, colour[kept], edge=edge[kept], width=outlines(seen)[kept],
               rows=rows[kept])  # fmt: skip


def _bun(
    sheet: Sheet, character: Character, view: View, colours: Palette, rows: Places, side: int
) -> None:
    """A knot on the top of the head, to one side."""
    hair, seen = character.hair.take(rows), view.take(rows)
    x = side * (0.78 + 0.12 * hair.tie) - 0.05 * seen.yaw
    y = -0.92 + 0.30 * hair.tie
    size = 0.42 * hair.tail
    sheet.paint(ellipse(x, y, size, size * 0.95), colours.base[rows], edge=colours.edge[rows],
                width=seen.line, rows=rows)  # fmt: skip
    sheet.fill(ellipse(x - 0.3 * size * seen.lit, y + 0.3 * size, 0.6 * size, 0.5 * size, steps=10),
               colours.shadow[rows], alpha=0.8, rows=rows)  # fmt: skip
    swirl = ellipse(x, y, 0.6 * size, 0.55 * size, start=-30, end=210, steps=10)
    sheet.line(swirl, colours.inner[rows], width=outlines(seen), rows=rows)


def _links(
    sheet: Sheet, character: Character, view: View, colours: Palette, rows: Places, side: int
) -> None:
    """Plaits and drills: pieces one below another, those of a drill ever narrower."""
    hair, seen = character.hair.take(rows), view.take(rows)
    drill = hair.has("drills")
    x0 = side * (1.0 + 0.08 * hair.tie) + _beside(seen, side)
    y = np.where(drill, -0.05, 0.35) + 0.2 * hair.tie
    size = np.where(drill, 0.30, 0.19) * hair.tail
    for link in range(_LINKS):
        narrow = np.where(drill, 1 - 0.11 * link, 1 - 0.03 * link)
        wide = size * narrow
        high = np.where(drill, 0.16, 0.15) * hair.tail
        x = x0 + 0.03 * seen.breeze * link**1.5 + side * 0.05 * np.sin(0.8 * link)
        turn = np.where(drill, -side, side * (-1) ** link)
        shape = _piece(x, y, wide, high, turn)
        colour = colours.base if link % 2 == 0 else shade(colours.base, 0.25 * view.depth)
        paint_lock(sheet, shape, colour[rows], edge=colours.edge[rows], width=outlines(seen) * 1.3,
                    rows=rows)  # fmt: skip
        y = y + high * np.where(drill, 1.2, 1.25)
    plaits = rows[~drill]
    _tie(sheet, character, view, plaits, x[~drill], y[~drill])


def _piece(x: Numbers, y: Numbers, wide: Numbers, high: Numbers, turn: Numbers) -> Paths:
    """A slanted cushion, (n, 16, 2)."""
    lift = 0.45 * high * turn
    knots = points((x - wide, y - 0.4 * high + lift), (x, y - high),
                   (x + wide, y - 0.4 * high - lift),
                   (x + 0.95 * wide, y + 0.6 * high - lift), (x, y + high),
                   (x - 0.95 * wide, y + 0.6 * high + lift))  # fmt: skip
    return spline(knots, steps=3)
