"""Altered copies of faces, so that a few of them teach more."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from db.records import Box

ROTATION = 30.0
ZOOM = 0.2
SHIFT = 0.1


def alter(
    pixels: NDArray[np.uint8], inner: Box, *, size: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Turn, stretch, shift and mirror a face by chance, all in one affine warp.

    Turned by up to 30 degrees, each side stretched by up to 20% and shifted by up to 10%, mirrored
    half of the time. What comes into view are the real pixels around the face where the crop has a
    margin, and its repeated edge beyond.

    Args:
        pixels: a crop with its margin; uint8 (height, width, 3).
        inner: the face in those pixels.
        size: width and height of the result in pixels.
        rng: where chance comes from; always advanced by six draws.

    Returns:
        uint8 (size, size, 3), channels in the order of `pixels`.
    """
    # Shrunk by area before the warp, as labelling does; a warp alone would alias.
    fx, fy = size / inner.width, size / inner.height
    scaled = cv2.resize(pixels, None, fx=fx, fy=fy, interpolation=cv2.INTER_AREA)
    corner = np.array([inner.x0 * fx, inner.y0 * fy])
    warped = cv2.warpAffine(
        scaled,
        _matrix(corner, size=size, rng=rng),
        (size, size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(warped, np.uint8)


def _matrix(
    corner: NDArray[np.float64], *, size: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Map places of the result to places of the scaled crop; float64 (2, 3)."""
    angle = math.radians(rng.uniform(-ROTATION, ROTATION))
    zoom = np.array([rng.uniform(1 - ZOOM, 1 + ZOOM), rng.uniform(1 - ZOOM, 1 + ZOOM)])
    shift = np.array([rng.uniform(-SHIFT, SHIFT), rng.uniform(-SHIFT, SHIFT)]) * size
    mirror = np.array([-1.0 if rng.random() < 0.5 else 1.0, 1.0])  # noqa: PLR2004  # half of the time
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    linear = turn @ np.diag(zoom * mirror)
    centre = np.full(2, (size - 1) / 2)
    return np.column_stack([linear, corner + centre + shift - linear @ centre])
