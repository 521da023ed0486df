"""Colours as (blue, green, red) tuples from 0 to 255, the palettes, and how they are shaded."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

Colour = tuple[float, float, float]

# What shadow does to a surface: cooler and darker, as cel painters choose it.
_SHADOW: Colour = (0.80, 0.66, 0.74)


def colour(code: str) -> Colour:
    """Return the colour of a web code such as `#ffcc00`."""
    red, green, blue = (float(int(code[i : i + 2], 16)) for i in (1, 3, 5))
    return blue, green, red


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Return a blend; a share of 0 is the first colour, 1 the second."""
    blue, green, red = (a + (b - a) * share for a, b in zip(first, second, strict=True))
    return blue, green, red


def shade(base: Colour, amount: float = 1.0) -> Colour:
    """Return the colour in shadow; an amount of 1 is one cel layer, 2 is deep."""
    blue, green, red = (c * s**amount for c, s in zip(base, _SHADOW, strict=True))
    return blue, green, red


def light(base: Colour, amount: float = 0.5) -> Colour:
    """Return the colour mixed with white."""
    return mix(base, WHITE, amount)


def ink(base: Colour) -> Colour:
    """Return the colour of the outline of a surface: its own hue, dark."""
    return shade(mix(base, (70.0, 50.0, 80.0), 0.35), 2.4)


def distance(first: Colour, second: Colour) -> float:
    """Return how far two colours are apart, about 0 to 1."""
    return float(np.linalg.norm(np.subtract(first, second))) / 442.0


def _palette(**codes: str) -> Mapping[str, Colour]:
    return MappingProxyType({name: colour(code) for name, code in codes.items()})


WHITE: Colour = (255.0, 255.0, 255.0)

HAIR = _palette(
    black="#3d3a4c",
    umber="#5c3d33",
    chestnut="#8f5538",
    caramel="#bd8756",
    blonde="#f4d27c",
    cream="#f5e8c6",
    orange="#f0913f",
    red="#d34545",
    wine="#8c2b48",
    pink="#f7a3bd",
    magenta="#d65aa0",
    lavender="#bda6e8",
    purple="#7858b0",
    navy="#3a4b8a",
    blue="#4f8bdc",
    sky="#93cdf1",
    teal="#3ca79e",
    mint="#a0e3c7",
    green="#5fa85a",
    silver="#c5cbd9",
    white="#f3f1f7",
)

EYES = _palette(
    blue="#3b78e0",
    sky="#4bb4ee",
    teal="#1fa79a",
    green="#3fa64a",
    lime="#97b92c",
    gold="#e8b422",
    amber="#d9822b",
    brown="#8c5332",
    red="#d23a40",
    pink="#e8629b",
    violet="#8a55d0",
    grey="#75809a",
)

SKIN = _palette(
    porcelain="#fff3ec",
    rosy="#ffe8e2",
    fair="#ffe6d5",
    cream="#fdeacb",
    peach="#fddcc2",
    honey="#f9d6b6",
    tan="#f3c8a2",
)

CLOTH = _palette(
    navy="#3b4a7a",
    white="#f6f4f2",
    cream="#f3e6cf",
    red="#cc4b4e",
    rose="#e58a9e",
    pink="#f6bccb",
    mustard="#dfae48",
    olive="#8c9556",
    green="#5d9a70",
    mint="#a9dcc4",
    sky="#9fcbea",
    blue="#5581c4",
    violet="#8a73b8",
    lilac="#cbb8e6",
    grey="#8d93a3",
    charcoal="#474757",
    brown="#8a6049",
    orange="#e88f54",
)
