"""Shrink images; the one way in which detectors, crops and previews get smaller pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def shrink(pixels: NDArray[np.uint8], long_side: int) -> NDArray[np.uint8]:
    """The image by pixel area with at most that long side; itself if it is no larger.

    It is halved as often as that goes, which OpenCV does several times faster than any other
    ratio, before the rest is done; the result differs by a grey level here and there.

    Args:
        pixels: uint8 (height, width) or (height, width, 3).
        long_side: in pixels.
    """
    height, width = pixels.shape[:2]
    scale = long_side / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    while pixels.shape[1] >= 2 * size[0] and pixels.shape[0] >= 2 * size[1]:
        pixels = _halved(pixels)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _halved(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The mean of every four pixels; a last odd row or column is left out."""
    height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
    even = pixels[: 2 * height, : 2 * width]
    return np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
