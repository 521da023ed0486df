"""Small images for tests, drawn on the spot."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from worker.vision.probe import anime_face

if TYPE_CHECKING:
    from numpy.typing import NDArray


def face_png(seed: int = 0) -> bytes:
    """A PNG in which detectors find one face; another seed gives other bytes."""
    image = anime_face()
    _sign(image, seed)
    return png(image)


def plain_png(seed: int = 0) -> bytes:
    """A PNG without a face; another seed gives other bytes."""
    image = np.full((40, 60, 3), 255, np.uint8)
    _sign(image, seed)
    return png(image)


@cache
def busy_webp() -> bytes:
    """A WebP of noise that keeps a decoder at work for a good while, and has no face."""
    noise = np.random.default_rng(0).integers(0, 256, (3000, 4000, 3), np.uint8)
    return cv2.imencode(".webp", noise, (cv2.IMWRITE_WEBP_QUALITY, 90))[1].tobytes()


def png(image: NDArray[np.uint8]) -> bytes:
    """The image, uint8 (height, width, 3), BGR, as the bytes of a PNG file."""
    return cv2.imencode(".png", image)[1].tobytes()


def _sign(image: NDArray[np.uint8], seed: int) -> None:
    image[0, 0] = (seed % 256, seed // 256 % 256, seed // 65536)
