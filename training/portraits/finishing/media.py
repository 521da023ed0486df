"""What a picture is made with: pencils, screentone, hatching, paper and canvas.

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

# Textures are drawn once in a process, always the same ones, and cut from at random.
_TEXTURES, _TEXTURE_SIZE, _TEXTURE_SEED = 12, 384, 20_231_111


def sketch(picture: Pixels, rng: Generator) -> Pixels:
    """Leave lines on white paper, with some of the colour: each pixel by what is around it."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    around = cv2.GaussianBlur(grey, (0, 0), rng.uniform(1.5, 4.0))
    lines = cv2.cvtColor(cv2.divide(grey, around, scale=250), cv2.COLOR_GRAY2BGR)
    share = rng.uniform(0.0, 0.4)
    return np.asarray(cv2.addWeighted(lines, 1 - share, picture, share, 0), np.uint8)


def screen(picture: Pixels, rng: Generator) -> Pixels:
    """Print shades as dots of ink, in grey or over the colours."""
    pitch = rng.uniform(2.2, 5.0)
    u, v = _grid(len(picture), pitch, rng)
    tone = (np.cos(u) * np.cos(v) * 0.5 + 0.5) * rng.uniform(100, 200)
    return _printed(picture, tone, rng)


def hatch(picture: Pixels, rng: Generator) -> Pixels:
    """Draw shades with parallel lines."""
    u, _ = _grid(len(picture), rng.uniform(2.5, 7.0), rng)
    tone = (np.cos(u) * 0.5 + 0.5) * rng.uniform(100, 210)
    return _printed(picture, tone, rng)


def texture(picture: Pixels, rng: Generator) -> Pixels:
    """Draw on paper or canvas, or with watercolours that dried unevenly."""
    size = len(picture)
    grain = _textures()[int(rng.integers(_TEXTURES))]
    x, y = rng.integers(_TEXTURE_SIZE - size + 1, size=2).tolist()
    cut = grain[y : y + size, x : x + size]
    share = rng.uniform(0.05, 0.5)
    return np.asarray(cv2.addWeighted(picture, 1.0, cut, share, -128 * share), np.uint8)


def _grid(
    size: int, pitch: float, rng: Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Phases, in radians, of a grid of lines so many pixels apart, at an angle."""
    angle = rng.uniform(0, np.pi)
    places = np.arange(size, dtype=np.float32) * np.float32(2 * np.pi / pitch)
    x, y = places[None, :], places[:, None]
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return cos * x + sin * y, cos * y - sin * x


def _printed(picture: Pixels, tone: NDArray[np.float64], rng: Generator) -> Pixels:
    """Put ink where a picture is darker than the tone, and lighten the rest."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    inked = (grey < tone) & (grey > rng.uniform(10, 70))
    light = cv2.addWeighted(picture, 0.6, picture, 0.0, 100.0)
    if rng.random() < 0.5:  # noqa: PLR2004  # manga has no colours
        light = cv2.cvtColor(cv2.cvtColor(light, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    ink = np.where(inked[..., None], int(rng.integers(0, 110)), 255).astype(np.uint8)
    return np.asarray(cv2.min(light, np.broadcast_to(ink, light.shape).copy()), np.uint8)


@cache
def _textures() -> tuple[Pixels, ...]:
    """Grains about a middle grey of 128: rough to fine, grey and coloured, some with a weave."""
    rng = Generator(PCG64(_TEXTURE_SEED))
    made = []
    for number in range(_TEXTURES):
        grain = np.zeros((_TEXTURE_SIZE, _TEXTURE_SIZE, 3), np.float32)
        for octave in range(6):
            side = 6 * 2**octave
            channels = 3 if number % 3 == 0 else 1
            noise = rng.normal(0, 1, (side, side, channels)).astype(np.float32)
            large = cv2.resize(noise, (_TEXTURE_SIZE, _TEXTURE_SIZE), interpolation=cv2.INTER_CUBIC)
            grain += large.reshape(_TEXTURE_SIZE, _TEXTURE_SIZE, -1) * rng.uniform(2, 12)
        if number % 4 == 1:
            u, v = _grid(_TEXTURE_SIZE, rng.uniform(3, 6), rng)
            grain += (np.cos(u) + np.cos(v))[..., None] * 14
        made.append(np.clip(grain + 128, 0, 255).astype(np.uint8))
    return tuple(made)
