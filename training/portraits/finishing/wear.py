"""What pictures suffer on their way: bending, blur, shrinking, noise, compression, text over them.

Each takes uint8 (s, s, 3), BGR, and returns the same shape.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.random import PCG64, Generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

# Noise is drawn once in a process, always the same, and cut from at random.
_NOISE_SIZE, _NOISE_SEED, _NOISE_SPREAD = 512, 20_230_704, 32.0

# Ways to shrink and to enlarge.
_SHRINKING = (cv2.INTER_AREA, cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_NEAREST)
_ENLARGING = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_CUBIC, cv2.INTER_NEAREST)


def warp(picture: Pixels, rng: Generator) -> Pixels:
    """Bend a picture smoothly, as every artist has proportions of his own."""
    size = len(picture)
    strength = size * rng.uniform(0.005, 0.035)
    flow = rng.normal(0, strength, (4, 4, 2)).astype(np.float32)
    places = cv2.resize(flow, (size, size), interpolation=cv2.INTER_CUBIC) + _places(size)
    bent = cv2.remap(
        picture, places[..., 0], places[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(bent, np.uint8)


def blur(picture: Pixels, rng: Generator) -> Pixels:
    """Put a picture out of focus."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, 1.25)), np.uint8)


def smear(picture: Pixels, rng: Generator) -> Pixels:
    """Move a picture while it is taken."""
    length, angle = rng.uniform(1.5, 4.0), rng.uniform(0, np.pi)
    kernel = np.zeros((7, 7), np.float32)
    way = length / 2 * np.array([np.cos(angle), np.sin(angle)])
    start, end = np.rint(3 - way).astype(int).tolist(), np.rint(3 + way).astype(int).tolist()
    cv2.line(kernel, start, end, 1.0)
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.uint8)


def rescale(picture: Pixels, rng: Generator) -> Pixels:
    """Shrink a picture to a third or more, and enlarge it again."""
    size = len(picture)
    small = max(2, round(size * rng.uniform(0.4, 0.9)))
    shrinking, enlarging = (_SHRINKING[i] for i in rng.integers(len(_SHRINKING), size=2))
    if rng.random() < 0.5:  # noqa: PLR2004  # small pictures are seldom enlarged without smoothing
        enlarging = cv2.INTER_LINEAR
    little = cv2.resize(picture, (small, small), interpolation=shrinking)
    return np.asarray(cv2.resize(little, (size, size), interpolation=enlarging), np.uint8)


def sharpen(picture: Pixels, rng: Generator) -> Pixels:
    """Sharpen a picture until its edges have halos."""
    amount = rng.uniform(0.3, 1.8)
    return np.asarray(
        cv2.addWeighted(picture, 1 + amount, cv2.blur(picture, (3, 3)), -amount, 0), np.uint8
    )


def scatter_noise(picture: Pixels, rng: Generator) -> Pixels:
    """Add noise, grey or coloured, mostly little."""
    size = len(picture)
    grain = _noise()[int(rng.integers(2))]
    x, y = rng.integers(_NOISE_SIZE - size + 1, size=2).tolist()
    share = (1.5 + rng.exponential(4.0)) / _NOISE_SPREAD
    cut = grain[y : y + size, x : x + size]
    return np.asarray(cv2.addWeighted(picture, 1.0, cut, share, -128 * share), np.uint8)


def compress(picture: Pixels, rng: Generator) -> Pixels:
    """Store a picture as JPEG, of quality 25 to 95."""
    quality = 95 - int(70 * rng.random() ** 1.5)
    stored = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(stored, cv2.IMREAD_COLOR), np.uint8)


def cover(picture: Pixels, rng: Generator) -> Pixels:
    """Put something flat before a picture: a box or a disc, opaque or not; text looks like that."""
    size = len(picture)
    covered = picture.copy()
    x, y, wide, high = (rng.uniform(0, 1, 4) * (1, 1, 0.3, 0.3) * size + (0, 0, 3, 3)).tolist()
    colour = rng.integers(0, 256, 3).tolist()
    if rng.random() < 0.5:  # noqa: PLR2004  # as often a box as a disc
        corner = (int(x + wide), int(y + high))
        cv2.rectangle(covered, (int(x), int(y)), corner, colour, -1)
    else:
        axes = (int(wide / 2) + 1, int(high / 2) + 1)
        cv2.ellipse(covered, (int(x), int(y)), axes, 2 * x, 0, 360, colour, -1, cv2.LINE_AA)
    share = 1.0 if rng.random() < 0.6 else rng.uniform(0.3, 0.8)  # noqa: PLR2004
    return np.asarray(cv2.addWeighted(covered, share, picture, 1 - share, 0), np.uint8)


@cache
def _places(size: int) -> NDArray[np.float32]:
    """Where every pixel is; float32 (size, size, 2), x and y."""
    return np.stack(np.meshgrid(*[np.arange(size, dtype=np.float32)] * 2), axis=2)


@cache
def _noise() -> tuple[Pixels, ...]:
    """Noise about a middle grey of 128: grey, then coloured."""
    rng = Generator(PCG64(_NOISE_SEED))
    shape = (_NOISE_SIZE, _NOISE_SIZE, 3)
    drawn = (rng.normal(128, _NOISE_SPREAD, (*shape[:2], channels)) for channels in (1, 3))
    return tuple(np.broadcast_to(np.clip(noise, 0, 255), shape).astype(np.uint8) for noise in drawn)
