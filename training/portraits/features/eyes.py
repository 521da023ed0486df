"""Eyes: what makes those of a character, and how they are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.portraits.easel import tints
from training.portraits.features import drops, iris, lids
from training.portraits.head import faces_us
from training.portraits.rows import Rows

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from training.portraits.character import Character
    from training.portraits.easel.sheet import Sheet
    from training.portraits.view import View

    Numbers = NDArray[np.float32]

# The share of characters whose eyes differ, that have odd pupils, or no light in their eyes.
_ODD, _UNUSUAL, _EMPTY = 0.03, 0.14, 0.04

# Hues of eyes in degrees with how often they occur: browns, ambers, greens, blues, purples, reds.
_HUES = np.array([22, 42, 60, 130, 165, 195, 218, 245, 275, 310, 340, 2], np.float32)
_SHARES = np.array([4, 3, 1, 2, 2, 2, 4, 2, 2, 1, 1, 3], np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Eyes(Rows):
    """Eyes of n characters; float32 (n,) but where it says otherwise.

    Attributes:
        left: colour of the iris on the left of the picture; (n, 3).
        right: and on its right.
        glow: the colour of the light in the lower part of an iris; (n, 3).
        width: of an open eye, as a factor.
        height: the same.
        apart: the distance between the eyes, as a factor.
        slant: degrees by which the outer corners are raised.
        shape: what sets the lids of these eyes apart, in the order of `lids.KNOTS`; (n, 10).
        iris: width of an iris by the height of the eye.
        ring: how dark its rim is, 0 to 1.
        shadow: how dark its upper part is, 0 to 1.
        pupil: place in `iris.PUPILS`; intp (n,).
        spark: how bright reflections are, 0 for eyes without light.
        lash: thickness of the upper lashes in units of the head.
        flick: length of the outermost lash, by half the width of an eye.
        spikes: how far single lashes stand out, 0 not at all to 1.
        lower: strength of the lower lashes, 0 to 1.
        fold: height of the fold above the lid, 0 for none.
        makeup: strength of the colour around an eye, 0 for most.
        brow: thickness of the brows in units of the head.
        brow_length: by the width of an eye.
        brow_arch: how far they are bent, 0 straight.
        brow_slant: degrees by which the outer ends are raised.
    """

    left: Numbers
    right: Numbers
    glow: Numbers
    width: Numbers
    height: Numbers
    apart: Numbers
    slant: Numbers
    shape: Numbers
    iris: Numbers
    ring: Numbers
    shadow: Numbers
    pupil: NDArray[np.intp]
    spark: Numbers
    lash: Numbers
    flick: Numbers
    spikes: Numbers
    lower: Numbers
    fold: Numbers
    makeup: Numbers
    brow: Numbers
    brow_length: Numbers
    brow_arch: Numbers
    brow_slant: Numbers


def cast_eyes(count: int, rng: Generator) -> Eyes:
    """Choose eyes by chance, from wide and round to narrow and grown-up ones.

    Args:
        count: n.
        rng: where chance comes from.

    Returns:
        The eyes.
    """

    def uniform(low: float, high: float) -> Numbers:
        return rng.uniform(low, high, count).astype(np.float32)

    def factor(deviation: float) -> Numbers:
        limit = 2.2 * deviation
        return np.exp(np.clip(rng.normal(0, deviation, count), -limit, limit)).astype(np.float32)

    def some(values: Numbers, share: float) -> Numbers:
        return np.where(rng.random(count) < share, values, 0).astype(np.float32)

    left, odd = _colours(count, rng), rng.random(count) < _ODD
    # Grown-up eyes are narrower, and their irises smaller.
    adult = rng.beta(1.1, 1.6, count)
    hue = rng.normal(0, 45, count)
    kind = np.where(rng.random(count) < _UNUSUAL, rng.integers(len(iris.PUPILS), size=count), 0)
    thick = rng.uniform(0.018, 0.05, count)
    return Eyes(
        left=left,
        right=np.where(odd[:, None], _colours(count, rng), left),
        glow=tints.light(_turned(left, hue), rng.uniform(0.25, 0.7, count)),
        width=factor(0.08),
        height=(factor(0.10) * (1.12 - 0.5 * adult)).astype(np.float32),
        apart=factor(0.045),
        slant=rng.normal(3, 7, count).clip(-14, 18).astype(np.float32),
        shape=rng.normal(0, 0.07, (count, 10)).astype(np.float32),
        iris=(rng.uniform(0.7, 0.98, count) + 0.12 * adult).astype(np.float32),
        ring=uniform(0.0, 1.0),
        shadow=uniform(0.2, 1.0),
        pupil=kind,
        spark=np.where(rng.random(count) < _EMPTY, 0, uniform(0.6, 1.0)).astype(np.float32),
        lash=uniform(0.065, 0.14),
        flick=uniform(0.0, 0.34),
        spikes=some(uniform(0.4, 1.0), 0.45),
        lower=uniform(0.0, 1.0),
        fold=some(uniform(0.12, 0.32), 0.7),
        makeup=some(uniform(0.3, 0.8), 0.08),
        brow=np.where(rng.random(count) < 0.12, uniform(0.06, 0.12), thick).astype(np.float32),  # noqa: PLR2004
        brow_length=np.where(rng.random(count) < 0.06, 0.4, uniform(0.75, 1.15)).astype(np.float32),  # noqa: PLR2004
        brow_arch=uniform(0.0, 0.16),
        brow_slant=rng.normal(4, 6, count).astype(np.float32),
    )


def _colours(count: int, rng: Generator) -> Numbers:
    hue = rng.choice(_HUES, count, p=_SHARES / _SHARES.sum()) + rng.normal(0, 9, count)
    saturation = np.clip(rng.normal(0.72, 0.2, count), 0.03, 1)
    value = np.clip(rng.normal(0.68, 0.18, count), 0.15, 1)
    # Brown eyes are dark; yellow ones of that darkness would look olive.
    value = np.where(np.abs(hue - 22) < 20, value * 0.8, value)  # noqa: PLR2004
    return tints.from_hsv(hue, saturation, value)


def _turned(colours: Numbers, degrees: NDArray[np.float64]) -> Numbers:
    """Mix towards the neighbouring hues, as the light in an iris is often of another."""
    rolled = np.where((degrees > 0)[:, None], np.roll(colours, 1, 1), np.roll(colours, -1, 1))
    return tints.mix(colours, rolled, np.abs(degrees) / 120)


def draw_eyes(sheet: Sheet, character: Character, view: View, rng: Generator) -> None:
    """Draw open and closed eyes; in a profile only the near one.

    Args:
        sheet: n pictures.
        character: n characters.
        view: n views.
        rng: where chance comes from.
    """
    count = len(view)
    drawn = lids.drawn_shape(character, rng)
    style = iris.styles(count, rng, detail=view.detail)
    for side in (-1, 1):
        seen = faces_us(side * 0.70 * np.ones(count), view)
        # An eye that winks is the one on the left.
        follows = np.maximum(view.lid, 0.8) if side > 0 else np.zeros(count)
        lid = np.where(view.wink, follows, view.lid).astype(np.float32)
        opened = lid > lids.CLOSED
        for is_open in (True, False):
            rows = np.flatnonzero(seen & (opened == is_open))
            if not len(rows):
                continue
            who, how = character.take(rows), view.take(rows)
            eye = lids.Eye(who, how, drawn[rows], lid[rows] if is_open else None, side=side)
            if is_open:
                iris.draw_iris(sheet, who, how, eye, style[rows], rows=rows)
            lids.draw_lids(sheet, who, how, eye, style[rows], rows=rows)
    drops.draw_drops(sheet, view, rng)
