"""Cut faces out of images; every classifier input is cut from such a crop, never from the image.

Labelling, training and re-embedding thus see the same pixels, byte for byte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from db.errors import UnreadableImageError
from db.records import Box, Crop
from worker.vision.resize import shrink

if TYPE_CHECKING:
    from numpy.typing import NDArray

MARGIN = 0.25
LONG_SIDE = 192
PREVIEW_SIDE = 160

# The long side of a face in the largest crop: an image with as many pixels a face is fine enough.
FACE_SIDE = round(LONG_SIDE / (1 + 2 * MARGIN))

# 4:4:4 because drawings put saturated colours beside each other, which chroma subsampling smears.
_CROP_JPEG = (
    cv2.IMWRITE_JPEG_QUALITY,
    95,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
)
_PREVIEW_JPEG = (cv2.IMWRITE_JPEG_QUALITY, 80)


def cut(pixels: NDArray[np.uint8], box: Box) -> Crop:
    """A face with a margin of a quarter of its size on each side, clipped to the image.

    Args:
        pixels: the image; uint8 (height, width, 3), BGR.
        box: the face, in those pixels.

    Returns:
        At most 192 pixels on the long side, never enlarged; its inner box is the face.

    Raises:
        ValueError: the box does not touch the image.
    """
    height, width = pixels.shape[:2]
    face = _clip(box, width=width, height=height)
    dx, dy = round(face.width * MARGIN), round(face.height * MARGIN)
    outer = Box(
        max(face.x0 - dx, 0),
        max(face.y0 - dy, 0),
        min(face.x1 + dx, width),
        min(face.y1 + dy, height),
    )
    inner = Box(face.x0 - outer.x0, face.y0 - outer.y0, face.x1 - outer.x0, face.y1 - outer.y0)
    return _pack(pixels[outer.y0 : outer.y1, outer.x0 : outer.x1], inner)


def whole(pixels: NDArray[np.uint8]) -> Crop:
    """A ready-made crop: the image itself is the face.

    Args:
        pixels: the image; uint8 (height, width, 3), BGR.
    """
    height, width = pixels.shape[:2]
    return _pack(pixels, Box(0, 0, width, height))


def face_input(crop: Crop, *, size: int) -> NDArray[np.uint8]:
    """The classifier's input, from the stored crop alone.

    The face is stretched to a square by pixel area, margins left out.

    Args:
        crop: a face, as `cut` or `whole` stored it.
        size: sides of the input in pixels.

    Returns:
        uint8 (size, size, 3), RGB.

    Raises:
        UnreadableImageError: the stored JPEG is damaged, or smaller than its inner box.
    """
    pixels = _pixels(crop)
    inner = crop.inner
    face = pixels[inner.y0 : inner.y1, inner.x0 : inner.x1]
    square = cv2.resize(face, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(square, cv2.COLOR_BGR2RGB), np.uint8)


def preview(pixels: NDArray[np.uint8]) -> bytes:
    """A small JPEG to review an image by; at most 160 pixels on the long side.

    Args:
        pixels: the image; uint8 (height, width, 3), BGR.
    """
    return _encode(shrink(pixels, PREVIEW_SIDE), _PREVIEW_JPEG)


def _pixels(crop: Crop) -> NDArray[np.uint8]:
    pixels = None
    if crop.jpeg:
        pixels = cv2.imdecode(np.frombuffer(crop.jpeg, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise UnreadableImageError("damaged", "a stored crop is no JPEG any more")
    if crop.inner.x1 > pixels.shape[1] or crop.inner.y1 > pixels.shape[0]:
        raise UnreadableImageError("damaged", "a stored crop is smaller than the face in it")
    return np.asarray(pixels, np.uint8)


def _pack(pixels: NDArray[np.uint8], inner: Box) -> Crop:
    small = shrink(pixels, LONG_SIDE)
    fx, fy = small.shape[1] / pixels.shape[1], small.shape[0] / pixels.shape[0]
    return Crop(_encode(small, _CROP_JPEG), _scale(inner, fx, fy))


def _scale(box: Box, fx: float, fy: float) -> Box:
    x0, y0 = round(box.x0 * fx), round(box.y0 * fy)
    return Box(x0, y0, max(round(box.x1 * fx), x0 + 1), max(round(box.y1 * fy), y0 + 1))


def _clip(box: Box, *, width: int, height: int) -> Box:
    return Box(box.x0, box.y0, min(box.x1, width), min(box.y1, height))


def _encode(pixels: NDArray[np.uint8], parameters: tuple[int, ...]) -> bytes:
    _, encoded = cv2.imencode(".jpg", pixels, parameters)
    return encoded.tobytes()
