"""What lies behind drawn faces: small pictures, made in microseconds and stretched to fill.

Archives hold faces on white paper, on flat or blended colours, before patterns, and in scenes that
are out of focus. A place that is shared by all pictures of a character would be learned instead of
the character, so each picture gets its own.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.random import PCG64, Generator

from training.drawing.indoors import INDOORS
from training.drawing.outdoors import OUTDOORS
from training.drawing.pen import Pen
from training.portraits.easel.tints import from_hsv
from training.portraits.patterns import PATTERNS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

# The kinds of backdrops, and how often each is chosen.
_PLAIN, _BLENDED, _CLOUDED, _PATTERNED, _SCENE = range(5)
_SHARES = (0.27, 0.14, 0.16, 0.21, 0.22)

# How often a plain backdrop is white, and black.
_WHITE, _BLACK = 0.45, 0.1

# Colours of a palette.
_COLOURS = 6

# Scenes drawn once in a process, and their width and height in pixels.
_SCENES, _SCENE_SIZE = 48, 192
_SCENE_SEED = 20_240_229

# How often someone else's head and clothes are beside the face.
_BESIDE = 0.10


def backdrops(count: int, rng: Generator) -> list[Pixels]:
    """Make backdrops.

    Args:
        count: n.
        rng: where chance comes from.

    Returns:
        n pictures of different sizes, uint8 (h, w, 3), BGR; to be stretched by linear
        interpolation: some have a single pixel.
    """
    kinds = rng.choice(len(_SHARES), size=count, p=_SHARES)
    makers = (_plain, _blended, _clouded, _patterned, _from_scene)
    beside = rng.random(count) < _BESIDE
    palettes = _palettes(count, rng)
    made = [makers[kind](colours, rng) for kind, colours in zip(kinds, palettes, strict=True)]
    for row in np.flatnonzero(beside):
        made[row] = _with_someone(made[row], palettes[row - 1], rng)
    return made


def _palettes(count: int, rng: Generator) -> Pixels:
    """Choose n palettes, each of one mood: neighbours in hue and brightness; uint8 (n, k, 3)."""
    shape = (count, _COLOURS)
    spread = rng.uniform(5, 60, (count, 1))
    hue = rng.uniform(0, 360, (count, 1)) + rng.normal(0, 1, shape) * spread
    saturation = rng.beta(1.2, 2.4, (count, 1)) + rng.normal(0, 0.12, shape)
    value = rng.beta(2.5, 1.2, (count, 1)) + rng.normal(0, 0.15, shape)
    tints = from_hsv(hue, saturation.clip(0, 1), value.clip(0.04, 1))
    return np.rint(tints).astype(np.uint8).reshape(*shape, 3)


def _plain(palette: Pixels, rng: Generator) -> Pixels:
    chosen, depth = rng.random(), rng.exponential(5.0)
    if chosen < _WHITE:
        return np.full((1, 1, 3), max(255 - depth, 220), np.uint8)
    if chosen < _WHITE + _BLACK:
        return np.full((1, 1, 3), min(2 * depth, 50), np.uint8)
    return palette[None, :1]


def _blended(palette: Pixels, rng: Generator) -> Pixels:
    """Two to six colours that run into each other."""
    high, wide = ((2, 1), (1, 2), (2, 2), (3, 1), (3, 2))[int(rng.integers(5))]
    return palette[: high * wide].reshape(high, wide, 3)


def _clouded(palette: Pixels, rng: Generator) -> Pixels:
    """Something far out of focus: few colours at random places."""
    side = int(rng.integers(3, 8))
    few = int(rng.integers(2, len(palette) + 1))
    return palette[rng.integers(few, size=(side, side))]


def _patterned(palette: Pixels, rng: Generator) -> Pixels:
    few = int(rng.integers(2, len(palette) + 1))
    return PATTERNS[int(rng.integers(len(PATTERNS)))](palette[:few], rng)


def _from_scene(_: Pixels, rng: Generator) -> Pixels:
    """A cut of a scene: flipped, recoloured, sharp or out of focus."""
    scene = _scenes()[int(rng.integers(_SCENES))]
    side = int(_SCENE_SIZE * rng.uniform(0.2, 1.0))
    x, y = rng.integers(_SCENE_SIZE - side + 1, size=2).tolist()
    cut = scene[y : y + side, x : x + side]
    if rng.random() < 0.5:  # noqa: PLR2004  # every second one
        cut = cut[:, ::-1]
    # Shrunk without averaging costs least; the rest is blur enough.
    small = int(rng.choice((10, 24, 48, 96)))
    little = cv2.resize(cut, (small, small), interpolation=cv2.INTER_LINEAR)
    matrix = rng.normal(0, 0.12, (3, 4)) * (1, 1, 1, 200)
    matrix[(0, 1, 2), (0, 1, 2)] += rng.uniform(0.5, 1.15, 3)
    return np.asarray(cv2.transform(little, matrix.astype(np.float32)), np.uint8)


@cache
def _scenes() -> tuple[Pixels, ...]:
    """Draw the scenes, always the same ones."""
    rng = Generator(PCG64(_SCENE_SEED))
    families = (*OUTDOORS, *INDOORS)
    scenes = []
    for number in range(_SCENES):
        scene = np.zeros((_SCENE_SIZE, _SCENE_SIZE, 3), np.uint8)
        families[number % len(families)](Pen.at(scene, x=0.0, y=0.0, unit=_SCENE_SIZE), 1.0, rng)
        scenes.append(scene)
    return tuple(scenes)


def _with_someone(picture: Pixels, palette: Pixels, rng: Generator) -> Pixels:
    """Put another head, seen from behind or cut off, next to where the face will be."""
    canvas = cv2.resize(picture, (96, 96), interpolation=cv2.INTER_LINEAR)
    hair, skin, cloth = (tuple(c) for c in palette[:3].tolist())
    side = int(rng.choice((-1, 1)))
    x, y = int(48 + side * rng.uniform(38, 60)), int(rng.uniform(-5, 80))
    radius = int(rng.uniform(18, 40))
    cv2.ellipse(canvas, (x, y + 2 * radius), (radius, radius), 0, 0, 360, cloth, -1, cv2.LINE_AA)
    cv2.ellipse(canvas, (x, y), (radius, radius), 0, 0, 360, hair, -1, cv2.LINE_AA)
    lower = (x - side * radius // 3, y + radius // 2)
    cv2.ellipse(canvas, lower, (radius // 2, radius // 2), 0, 0, 360, skin, -1, cv2.LINE_AA)
    return np.asarray(canvas, np.uint8)
