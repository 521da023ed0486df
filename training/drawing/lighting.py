"""Light over a whole picture: tint, brightness and a gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator

    from training.drawing.pen import Pixels

# (blue, green, red) gains: neutral, warm, evening, cool, moonlit, spring.
_MOODS = (
    (1.0, 1.0, 1.0), (0.94, 1.0, 1.04), (0.90, 0.97, 1.03), (1.05, 1.0, 0.95), (1.02, 0.94, 0.91),
    (1.0, 0.98, 1.03),
)  # fmt: skip


def cast_light(picture: Pixels, rng: Generator) -> Pixels:
    """Return a picture in a random light; mild enough that hair keeps its colour.

    Args:
        picture: (h, w, 3) uint8, BGR.
        rng: chooses tint, brightness and the direction of the gradient.
    """
    height, width = picture.shape[:2]
    tint = np.asarray(_MOODS[int(rng.integers(len(_MOODS)))])
    level = float(rng.uniform(0.86, 1.03))
    across, down = rng.uniform(-0.10, 0.10, size=2)
    slope = np.add.outer(np.linspace(-down, down, height), np.linspace(-across, across, width))
    gain = ((slope + level)[:, :, None] * tint).astype(np.float32)
    return np.asarray(cv2.multiply(picture, gain, dtype=cv2.CV_8U), dtype=np.uint8)
