"""Shrink images; the one way in which detectors, crops and previews get smaller pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def shrink(pixels: NDArray[np.uint8], long_side: int) -> NDArray[np.uint8]:
    """The image by pixel area with at most that long side; itself if it is no larger.

    Args:
        pixels: uint8 (height, width, 3).
        long_side: in pixels.
    """
    height, width = pixels.shape[:2]
    scale = long_side / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
