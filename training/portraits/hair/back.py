"""Hair behind the head: its mass, and tails that start behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from training.portraits.easel.curves import ellipse, joined, points, spline
from training.portraits.easel.tints import light, shade
from training.portraits.hair.locks import draw_line, paint_lock
from training.portraits.hair.palette import Palette, outlines, palette
from training.portraits.hair.tails import draw_tails
from training.portraits.hair.traits import CUTS

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from training.portraits.character import Character
    from training.portraits.easel.curves import Paths
    from training.portraits.easel.sheet import Sheet
    from training.portraits.view import View

    Numbers = NDArray[np.floating[Any]]

# Half the width of the mass beside the cheeks, and at its lower end.
_SPREAD = {
    "short": (1.04, 0.85),
    "cropped": (0.92, 0.70),
    "spiky": (1.12, 0.90),
    "wild": (1.18, 1.10),
    "bob": (1.14, 0.98),
    "flicked": (1.06, 1.22),
    "shoulder": (1.10, 1.02),
    "long": (1.10, 1.20),
    "wavy": (1.18, 1.42),
    "hime": (1.06, 1.10),
    "twintails": (0.92, 0.55),
    "pigtails": (0.98, 0.70),
    "ponytail": (0.92, 0.50),
    "sidetail": (0.96, 0.60),
    "braids": (1.00, 0.70),
    "buns": (1.00, 0.90),
    "drills": (1.00, 0.75),
}
_WIDTHS = np.array([_SPREAD[cut] for cut in CUTS], np.float32)

# Points down a side, and tips of the lower end.
_DOWN = np.linspace(0.0, 1.0, 7, dtype=np.float32)
_TIPS = 9


def draw_back(sheet: Sheet, character: Character, view: View, rng: Generator) -> None:
    """Draw all hair that lies behind head and shoulders.

    Args:
        sheet: n pictures.
        character: n of them.
        view: theirs.
        rng: how the artist strays from the character.
    """
    colours = palette(character, view)
    draw_tails(sheet, character, view, colours, rng)
    right, left = (_side(character, view, side, rng) for side in (1, -1))
    shape = joined(_over(character, view), left, _ends(character, right, left, rng),
                   right[:, ::-1])  # fmt: skip
    paint_lock(sheet, shape, colours.back, edge=colours.edge, width=view.line)
    _tint(sheet, character, colours, left, right)
    _strands(sheet, character, view, colours, left, right, rng)
    _neck(sheet, view, colours)


def _over(character: Character, view: View) -> Paths:
    """The arc over the head, from right to left."""
    volume = character.hair.volume
    return ellipse(-0.10 * view.yaw, -0.10, volume, 1.05 * volume, start=0, end=-180, steps=16)


def _side(character: Character, view: View, side: int, rng: Generator) -> Paths:
    """One side from the ears to the lower end, (n, 7, 2)."""
    hair = character.hair
    reach = (hair.length * (1 + 0.04 * rng.normal(size=len(hair))))[:, None]
    mid, low = _WIDTHS[hair.cut, 0][:, None], _WIDTHS[hair.cut, 1][:, None]
    volume = hair.volume[:, None]
    bulge = np.sin(np.pi * np.clip(1.3 * _DOWN, 0, 1))
    wide = volume + (low - volume) * _DOWN**1.5 + (mid - (volume + low) / 2) * bulge
    angle = 2 * np.pi * (0.8 * reach * _DOWN + hair.locks[:, 1:2, 0] + 0.3 * side)
    wave = 0.10 * hair.wave[:, None] * np.sin(angle) * _DOWN
    tuft = 0.12 * hair.spike[:, None] * (np.arange(7) % 2) * np.abs(hair.locks[:, :7, 1])
    x = side * (wide + tuft) + wave - 0.10 * view.yaw[:, None] * (1 - 0.5 * _DOWN)
    x = x + 0.20 * view.breeze[:, None] * np.maximum(reach, 0) * _DOWN**2
    return np.stack([x, 0.0 + reach * _DOWN], axis=2).astype(np.float32)


def _ends(character: Character, right: Paths, left: Paths, rng: Generator) -> Paths:
    """The lower end from left to right: tips and gaps, (n, 2 * tips - 1, 2)."""
    hair = character.hair
    share = np.linspace(0, 1, 2 * _TIPS + 1, dtype=np.float32)[1:-1]
    ends: Paths = left[:, -1:] + (right[:, -1:] - left[:, -1:]) * share[:, None]
    noise = np.abs(rng.normal(0.7, 0.4, (len(hair), 2 * _TIPS - 1)))
    jag = 0.05 + 0.30 * (1 - hair.blunt) * np.minimum(hair.length, 0.9)
    up = np.where(np.arange(2 * _TIPS - 1) % 2, 1.0, -0.35)
    ends[..., 1] -= (jag[:, None] * up * noise - 0.10 * np.sin(np.pi * share)).astype(np.float32)
    return ends


def _between(left: Paths, right: Paths, share: Numbers) -> Paths:
    return (left + (right - left) * share[:, None, None]).astype(np.float32)


def _tint(sheet: Sheet, character: Character, colours: Palette, left: Paths, right: Paths) -> None:
    """Run the lower part into the colour of the tips."""
    dyed = character.hair.dyed
    rows = np.flatnonzero((dyed > 0) & (character.hair.length > 0.7))  # noqa: PLR2004  # else unseen
    for start in (3, 4, 5):
        shape = joined(left[rows, start:], right[rows, start:][:, ::-1])
        sheet.fill(shape, shade(colours.tips[rows], 0.4), alpha=0.2 + 0.35 * dyed[rows], rows=rows)


def _strands(  # both sides of the mass
    sheet: Sheet,
    character: Character,
    view: View,
    colours: Palette,
    left: Paths,
    right: Paths,
    rng: Generator,
) -> None:
    """Draw dark and light strands along both sides."""
    count = len(view)
    long = character.hair.length > 0.5  # noqa: PLR2004  # else nothing of them is seen
    lit = light(colours.back, 0.12 + 0.25 * view.gloss)
    for place in range(4):
        share = rng.uniform(0.04, 0.30, count).astype(np.float32)
        share = share if place % 2 else 1 - share
        rows = np.flatnonzero(long & (rng.random(count) < 0.4 + 0.6 * view.detail))
        path = spline(_between(left, right, share)[rows], closed=False, steps=2)
        dark = rng.random(len(rows)) < 0.6  # noqa: PLR2004  # most are
        tint = np.where(dark[:, None], shade(colours.back[rows], 0.3 + view.depth[rows]), lit[rows])
        width = rng.uniform(0.03, 0.12, len(rows))
        sheet.stroke(path, tint, width=width, taper=(0.1, 0.0), rows=rows)
        draw_line(sheet, path[:, 1:], colours.inner[rows], width=outlines(view)[rows], rows=rows)


def _neck(sheet: Sheet, view: View, colours: Palette) -> None:
    """Darken what lies in the shadow of the head."""
    rows = np.flatnonzero(view.depth > 0.35)  # noqa: PLR2004  # else hardly seen
    x = -0.05 * view.yaw[rows]
    path = points((x - 0.75, 0.3), (x + 0.75, 0.3), (x + 0.6, 1.15), (x, 1.5), (x - 0.6, 1.15))
    sheet.fill(path, shade(colours.back[rows], 0.45), rows=rows)
