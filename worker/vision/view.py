"""An image as detectors look at it: small, in colour or in grey."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np

from worker.vision.resize import shrink

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from worker.vision.decode import Decoded


class View:
    """The sizes of one image that detectors ask for; its grey levels are made once for all of them.

    Args:
        decoded: an upright image.

    Attributes:
        width: of the upright image at full size, in pixels.
        height: of the upright image at full size, in pixels.
    """

    def __init__(self, decoded: Decoded) -> None:
        self.width = decoded.width
        self.height = decoded.height
        self._pixels = decoded.pixels

    def colour(self, long_side: int) -> NDArray[np.uint8]:
        """The image with at most that long side; uint8 (height, width, 3), BGR."""
        return shrink(self._pixels, long_side)

    def grey(self, long_side: int) -> NDArray[np.uint8]:
        """The image with at most that long side; uint8 (height, width)."""
        return shrink(self._grey, long_side)

    @cached_property
    def _grey(self) -> NDArray[np.uint8]:
        return np.asarray(cv2.cvtColor(self._pixels, cv2.COLOR_BGR2GRAY), np.uint8)
