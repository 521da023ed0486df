"""What made-up characters wear on their heads, in their ears and on their bodies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.portraits.easel import tints
from training.portraits.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.random import Generator
    from numpy.typing import NDArray

    Numbers = NDArray[np.floating]
    Kinds = NDArray[np.intp]

# The kinds of every sort of thing and how often each occurs; `Worn` keeps places in these.
HEADWEAR: Mapping[str, float] = {
    "none": 68, "beret": 1.6, "cap": 1.6, "sailor": 1.2, "witch": 1.5, "straw": 1.5,
    "helmet": 1.2, "knit": 1.2, "officer": 1.2, "hood": 1.6, "veil": 1.2, "wrap": 0.8,
    "hairband": 2.4, "maid": 1.6, "crown": 1.3, "headphones": 1.4, "bandeau": 1.2,
    "cat": 1.8, "fox": 1.2, "bunny": 0.9, "dog": 1.2, "bear": 0.8, "ram": 1.3, "straight": 1.2,
    "demon": 1.2, "stub": 0.9, "fin": 0.9, "antenna": 0.8,
}  # fmt: skip
ORNAMENTS: Mapping[str, float] = {
    "none": 68, "bow": 6, "bows": 5, "cross": 2.5, "bar": 3, "bars": 2, "plaster": 1,
    "flower": 4.5, "flowers": 2.5, "star": 2, "ball": 2, "beads": 1.5,
}  # fmt: skip
GLASSES: Mapping[str, float] = {
    "none": 84, "full": 7.5, "half": 3.5, "rimless": 1.2, "dark": 0.8, "goggles": 1.5, "patch": 1.5,
}  # fmt: skip
EARRINGS: Mapping[str, float] = {"none": 84, "stud": 5, "drop": 5, "hoop": 3, "tassel": 3}
COLLARS: Mapping[str, float] = {"none": 84, "choker": 9, "bell": 4, "pendant": 3}
OUTFITS: Mapping[str, float] = {
    "sailor": 14, "shirt": 17, "hoodie": 10, "kimono": 9, "dress": 13, "armour": 8, "bare": 11,
    "fur": 6, "scarf": 8, "turtleneck": 6, "gown": 8,
}  # fmt: skip
TIES: Mapping[str, float] = {"none": 40, "tie": 18, "bow": 22, "scarf": 12, "strings": 8}


@dataclass(frozen=True, slots=True, eq=False)
class Outfit(Rows):
    """Clothes of n bodies.

    Attributes:
        kind: places in `OUTFITS`; intp (n,).
        tie: places in `TIES`; intp (n,).
        cloth: their main colour; float32 (n, 3), BGR.
        trim: of collars and hems; the same.
        knot: of what is tied at the neck; the same.
        width: of the shoulders, as a factor; float32 (n,).
        open: how deep the neckline is, as a factor; float32 (n,).
        stripes: whether collars have stripes; bool (n,).
    """

    kind: Kinds
    tie: Kinds
    cloth: Numbers
    trim: Numbers
    knot: Numbers
    width: Numbers
    open: Numbers
    stripes: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Worn(Rows):
    """What n characters wear, whatever the picture.

    Attributes:
        accent: the colour of ribbons and ties; float32 (n, 3), BGR.
        second: of what goes with it; the same.
        metal: of jewels and frames of glasses; the same.
        headwear: places in `HEADWEAR`; intp (n,).
        ornament: places in `ORNAMENTS`; intp (n,).
        glasses: places in `GLASSES`; intp (n,).
        earring: places in `EARRINGS`; intp (n,).
        collar: places in `COLLARS`; intp (n,).
        side: where ornaments sit, -1 left or 1 right; float32 (n,).
        place: where around the head, from 0 the side to 1 the front; float32 (n,).
        size: of headwear and ornaments, as a factor; float32 (n,).
        low: how far headwear is pulled down, in units of the head; float32 (n,).
        lean: its angle in degrees clockwise; float32 (n,).
        roundness: of the lenses, the exponent of a superellipse; float32 (n,).
        lens: width and height of a lens; float32 (n, 2).
        petals: of flowers, points of stars; float32 (n,), whole numbers.
        knots: how shapes differ from those of other characters; float32 (n, 10, 2).
        outfit: the clothes they are mostly seen in.
    """

    accent: Numbers
    second: Numbers
    metal: Numbers
    headwear: Kinds
    ornament: Kinds
    glasses: Kinds
    earring: Kinds
    collar: Kinds
    side: Numbers
    place: Numbers
    size: Numbers
    low: Numbers
    lean: Numbers
    roundness: Numbers
    lens: Numbers
    petals: Numbers
    knots: Numbers
    outfit: Outfit


def place_of(kinds: Mapping[str, float], *names: str) -> Kinds:
    """Give the places of kinds by their names; intp (number of names,)."""
    order = list(kinds)
    return np.array([order.index(name) for name in names], np.intp)


def cast_outfits(count: int, rng: Generator) -> Outfit:
    """Make up clothes.

    Args:
        count: n.
        rng: where chance comes from.

    Returns:
        The clothes.
    """
    return Outfit(
        kind=_kinds(OUTFITS, count, rng),
        tie=_kinds(TIES, count, rng),
        cloth=_cloth(count, rng),
        trim=_cloth(count, rng),
        knot=_vivid(count, rng),
        width=_factors(0.12, count, rng),
        open=_factors(0.25, count, rng),
        stripes=rng.random(count) < 0.5,  # noqa: PLR2004  # half of them
    )


def cast_worn(count: int, rng: Generator) -> Worn:
    """Make up what characters wear.

    Args:
        count: n.
        rng: where chance comes from.

    Returns:
        What they wear.
    """
    lens = np.stack([_factors(0.15, count, rng) * 0.33, _factors(0.2, count, rng) * 0.26], axis=1)
    return Worn(
        accent=_vivid(count, rng),
        second=_cloth(count, rng),
        metal=_metal(count, rng),
        headwear=_kinds(HEADWEAR, count, rng),
        ornament=_kinds(ORNAMENTS, count, rng),
        glasses=_kinds(GLASSES, count, rng),
        earring=_kinds(EARRINGS, count, rng),
        collar=_kinds(COLLARS, count, rng),
        side=rng.choice(np.array([-1, 1], np.float32), count),
        place=rng.random(count, np.float32),
        size=_factors(0.18, count, rng),
        low=rng.normal(0, 0.1, count).clip(-0.25, 0.25).astype(np.float32),
        lean=rng.normal(0, 9, count).clip(-22, 22).astype(np.float32),
        roundness=rng.choice(np.array([2.0, 2.4, 3.2, 5.0], np.float32), count),
        lens=lens.astype(np.float32),
        petals=rng.integers(4, 8, count).astype(np.float32),
        knots=rng.normal(0, 0.035, (count, 10, 2)).astype(np.float32),
        outfit=cast_outfits(count, rng),
    )


def _kinds(kinds: Mapping[str, float], count: int, rng: Generator) -> Kinds:
    shares = np.array(list(kinds.values()))
    return rng.choice(len(kinds), count, p=shares / shares.sum()).astype(np.intp)


def _factors(deviation: float, count: int, rng: Generator) -> Numbers:
    factors: Numbers = np.exp(rng.normal(0, deviation, count).clip(-0.5, 0.5)).astype(np.float32)
    return factors


def _vivid(count: int, rng: Generator) -> Numbers:
    """Colours of ribbons: often red, black or white."""
    hue = np.where(rng.random(count) < 0.3, rng.normal(355, 8, count), rng.uniform(0, 360, count))  # noqa: PLR2004  # share of reds
    saturation, value = rng.uniform(0.45, 0.95, count), rng.uniform(0.5, 1.0, count)
    grey = rng.random(count)
    dark, pale = grey < 0.14, grey > 0.88  # noqa: PLR2004  # shares of black and white
    return tints.from_hsv(
        hue,
        np.where(dark | pale, saturation * 0.2, saturation),
        np.where(dark, value * 0.3, np.where(pale, 1.0, value)),
    )


def _cloth(count: int, rng: Generator) -> Numbers:
    """Colours of clothes: white, dark blue, black, brown, and all the others."""
    hue = np.where(rng.random(count) < 0.3, rng.normal(225, 15, count), rng.uniform(0, 360, count))  # noqa: PLR2004  # share of blues
    saturation, value = rng.beta(1.2, 1.6, count), rng.uniform(0.15, 1.0, count)
    white = rng.random(count) < 0.27  # noqa: PLR2004  # share of white
    return tints.from_hsv(
        hue,
        np.where(white, saturation * 0.12, saturation),
        np.where(white, rng.uniform(0.88, 1.0, count), value),
    )


def _metal(count: int, rng: Generator) -> Numbers:
    """Gold, silver, black, red and other lacquer."""
    gold = tints.from_hsv(rng.normal(43, 5, count), 0.6, rng.uniform(0.7, 1, count))
    silver = tints.from_hsv(220.0, rng.uniform(0, 0.15, count), rng.uniform(0.55, 0.95, count))
    black = tints.from_hsv(rng.uniform(0, 360, count), 0.25, rng.uniform(0.08, 0.3, count))
    red = tints.from_hsv(rng.normal(352, 8, count), 0.8, rng.uniform(0.45, 0.85, count))
    lacquer = tints.from_hsv(rng.uniform(0, 360, count), 0.6, rng.uniform(0.4, 0.9, count))
    all_of = np.stack([gold, silver, black, red, lacquer])
    kind = rng.choice(5, count, p=[0.25, 0.15, 0.3, 0.2, 0.1])
    return all_of[kind, np.arange(count)]
