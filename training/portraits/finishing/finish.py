"""What becomes of a drawing before it is a crop in an archive.

Artists colour whole pictures for an evening or a dream, light them, draw on paper or in one colour;
archives shrink, sharpen, blur and compress them. Each step is taken by chance, with a strength of
its own, so that few pictures are left as they were and none is treated like another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.portraits.finishing.light import bloom, cast_light, haze
from training.portraits.finishing.media import hatch, screen, sketch, texture
from training.portraits.finishing.palette import recolour
from training.portraits.finishing.wear import (
    blur,
    compress,
    cover,
    rescale,
    scatter_noise,
    sharpen,
    smear,
    warp,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Step = Callable[[Pixels, Generator], Pixels]

# The share of pictures that only get colours.
_CLEAN = 0.3

# In the order of a drawing's life, with the share of the others that each befalls: before its
# colours are chosen, and after.
_BEFORE: tuple[tuple[float, Step], ...] = ((0.30, warp), (0.02, sketch))
_AFTER: tuple[tuple[float, Step], ...] = (
    (0.45, cast_light),
    (0.15, bloom),
    (0.05, haze),
    (0.015, screen),
    (0.01, hatch),
    (0.12, texture),
    (0.08, cover),
    (0.07, blur),
    (0.02, smear),
    (0.27, rescale),
    (0.12, sharpen),
    (0.13, scatter_noise),
    (0.45, compress),
)


def finish(pixels: Pixels, rng: Generator) -> Pixels:
    """Colour, light and wear pictures.

    Args:
        pixels: uint8 (n, s, s, 3), BGR.
        rng: where chance comes from.

    Returns:
        The same shape; new memory.
    """
    done = pixels.copy()
    worn = np.flatnonzero(rng.random(len(done)) >= _CLEAN)
    _take(_BEFORE, done, worn, rng)
    recolour(done, rng)
    _take(_AFTER, done, worn, rng)
    return done


def _take(
    steps: tuple[tuple[float, Step], ...],
    pixels: Pixels,
    rows: NDArray[np.intp],
    rng: Generator,
) -> None:
    for share, step in steps:
        for row in rows[rng.random(len(rows)) < share]:
            pixels[row] = step(pixels[row], rng)
