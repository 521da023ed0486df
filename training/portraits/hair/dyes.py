"""Colours of hair: natural ones, and those that only drawn people have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.portraits.easel.tints import from_hsv, light, mix, shade

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from training.portraits.easel.tints import Tints

    Numbers = NDArray[np.float32]

# Natural colours as hue in degrees, saturation and value, the spread of each, and their share.
_NATURAL = np.array(
    [
        # hue, its spread, saturation, its spread, value, its spread, share
        [250, 60, 0.22, 0.10, 0.22, 0.07, 0.20],  # black
        [18, 8, 0.58, 0.12, 0.38, 0.10, 0.22],  # dark brown
        [24, 8, 0.48, 0.12, 0.62, 0.10, 0.18],  # light brown
        [42, 8, 0.46, 0.16, 0.90, 0.07, 0.20],  # blonde
        [240, 60, 0.07, 0.05, 0.80, 0.10, 0.12],  # silver
        [8, 6, 0.66, 0.12, 0.50, 0.12, 0.08],  # red-brown
    ]
)
_UNREAL = np.array(
    [
        [335, 12, 0.42, 0.14, 0.92, 0.07, 0.20],  # pink
        [215, 14, 0.50, 0.18, 0.72, 0.18, 0.24],  # blue
        [190, 12, 0.40, 0.15, 0.80, 0.10, 0.08],  # aqua
        [272, 14, 0.40, 0.15, 0.66, 0.18, 0.18],  # purple
        [135, 25, 0.42, 0.15, 0.65, 0.15, 0.10],  # green
        [357, 8, 0.72, 0.12, 0.74, 0.12, 0.12],  # red
        [25, 7, 0.66, 0.10, 0.90, 0.06, 0.04],  # orange
        [230, 60, 0.04, 0.02, 0.96, 0.03, 0.04],  # white
    ]
)
_NATURAL_SHARE = 0.55


def cast_colours(count: int, rng: Generator) -> tuple[Tints, Tints, Tints, Numbers]:
    """Choose the colours of hair by chance.

    Args:
        count: n.
        rng: where chance comes from.

    Returns:
        Those of the hair, of its tips and of a dyed lock, BGR, each float32 (n, 3), and how far
        up the tips' colour reaches, float32 (n,), 0 where nothing is dyed.
    """
    colour, other = _tints(count, rng), _tints(count, rng)
    dyed = np.where(rng.random(count) < 0.15, rng.uniform(0.35, 1.0, count), 0.0)  # noqa: PLR2004
    # Half of the dyed ones only get lighter or darker towards the tips.
    near = np.where(rng.random((count, 1)) < 0.5, light(colour, 0.45), shade(colour, 1.5))  # noqa: PLR2004
    ends = np.where(rng.random((count, 1)) < 0.5, other, near)  # noqa: PLR2004  # a half
    tips = np.where(dyed[:, None] > 0, ends, colour)
    streak = mix(_tints(count, rng), light(colour, 0.5), rng.uniform(0, 0.4, count))
    return colour, tips.astype(np.float32), streak, dyed.astype(np.float32)


def _tints(count: int, rng: Generator) -> Tints:
    natural = rng.choice(len(_NATURAL), count, p=_NATURAL[:, 6] / _NATURAL[:, 6].sum())
    unreal = rng.choice(len(_UNREAL), count, p=_UNREAL[:, 6] / _UNREAL[:, 6].sum())
    real = rng.random((count, 1)) < _NATURAL_SHARE
    row = np.where(real, _NATURAL[natural], _UNREAL[unreal])
    hsv = row[:, 0:6:2] + rng.normal(size=(count, 3)) * row[:, 1:6:2]
    return from_hsv(hsv[:, 0], np.clip(hsv[:, 1], 0.01, 0.9), np.clip(hsv[:, 2], 0.1, 1.0))
