"""The colours that an artist gives to one head of hair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.portraits.easel.tints import ink, light, mix, shade
from training.portraits.rows import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.portraits.character import Character
    from training.portraits.easel.tints import Tints
    from training.portraits.view import View

    Numbers = NDArray[np.float32]

# How far an artist's blue, green and red are from the character's own.
_OWN = 0.06


@dataclass(frozen=True, slots=True, eq=False)
class Palette(Rows):
    """Colours of hair in n views; float32 (n, 3), BGR.

    Attributes:
        base: where light falls.
        shadow: in its own shadow.
        back: behind the head.
        edge: of outlines.
        inner: of lines between locks.
        shine: of highlights.
        tips: the base of dyed tips; as `base` where nothing is dyed.
        streak: the base of a dyed lock.
    """

    base: Tints
    shadow: Tints
    back: Tints
    edge: Tints
    inner: Tints
    shine: Tints
    tips: Tints
    streak: Tints


def palette(character: Character, view: View) -> Palette:
    """Choose colours; the same for every part of the hair of one view."""
    hair = character.hair
    # Chance without a generator: all parts must agree on what the artist chose.
    turns = view.detail[:, None] * 1000 + np.array([0.0, 2.1, 4.2], np.float32)
    gains = (1 + _OWN * np.sin(turns)).astype(np.float32)

    def own(tints: Tints) -> Tints:
        drawn: Tints = np.clip(tints * gains, 0, 255)
        return drawn

    base = own(hair.colour)
    shadow = shade(base, 0.45 + 0.8 * view.depth)
    # Black hair would lose all its locks if it were shaded into black.
    brightness = base.mean(axis=1)
    dark = np.clip(1 - brightness / 110, 0, 1).astype(np.float32)
    edge = ink(base, np.minimum(view.darkness, 0.95))
    warm = np.array([235.0, 245.0, 255.0], np.float32)
    return Palette(
        base=base,
        shadow=shadow,
        back=shade(base, 0.25 + 0.55 * view.depth),
        edge=edge,
        inner=mix(mix(shadow, edge, 0.35 + 0.5 * view.darkness), light(base, 0.25), 0.35 * dark),
        shine=mix(light(base, 0.5), warm, 0.15 + 0.5 * view.gloss * (1 - dark)),
        tips=own(hair.tips),
        streak=own(hair.streak),
    )


def outlines(view: View) -> Numbers:
    """Widths of lines between locks, float32 (n,): thinner than the outline, 0 where it is."""
    return view.line * np.float32(0.6)
