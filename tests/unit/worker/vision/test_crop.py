"""Crops: margins, sizes, and the one path from a stored crop to the classifier's input."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from db.errors import UnreadableImageError
from db.records import Box, Crop
from worker.vision.crop import cut, face_input, preview, whole

if TYPE_CHECKING:
    from numpy.typing import NDArray


def _gradient(width: int, height: int) -> NDArray[np.uint8]:
    across = np.linspace(0, 255, width)[None, :] * np.ones((height, 1))
    down = np.linspace(0, 255, height)[:, None] * np.ones((1, width))
    return np.dstack([across, down, 255 - across]).astype(np.uint8)


def _size(jpeg: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(jpeg)) as image:
        width, height = image.size
    return width, height


def test_a_small_face_keeps_its_pixels_and_a_quarter_around_them() -> None:
    """A face of 40 pixels gets 10 pixels of margin on each side, and is not enlarged."""
    crop = cut(_gradient(200, 200), Box(80, 90, 120, 130))
    assert _size(crop.jpeg) == (60, 60)
    assert crop.inner == Box(10, 10, 50, 50)


def test_a_large_face_is_shrunk_to_192_pixels() -> None:
    """Of a face of 400 pixels, 192 pixels are kept with its margin, 128 of them its own."""
    crop = cut(_gradient(800, 800), Box(200, 200, 600, 600))
    assert _size(crop.jpeg) == (192, 192)
    assert crop.inner == Box(32, 32, 160, 160)


def test_a_face_at_the_edge_has_no_margin_there() -> None:
    """The margin is clipped to the image, and the inner box follows."""
    crop = cut(_gradient(100, 100), Box(0, 60, 40, 100))
    assert _size(crop.jpeg) == (50, 50)
    assert crop.inner == Box(0, 10, 40, 50)


@given(
    width=st.integers(1, 300),
    height=st.integers(1, 300),
    corners=st.tuples(*[st.floats(0, 1)] * 4),
)
def test_any_box_gives_a_crop_that_gives_an_input(
    width: int, height: int, corners: tuple[float, float, float, float]
) -> None:
    """Whatever the image and the box, the inner box lies within at most 192 pixels."""
    x0, y0 = int(corners[0] * (width - 1)), int(corners[1] * (height - 1))
    box = Box(x0, y0, x0 + 1 + int(corners[2] * width), y0 + 1 + int(corners[3] * height))
    crop = cut(np.zeros((height, width, 3), np.uint8), box)
    crop_width, crop_height = _size(crop.jpeg)
    assert max(crop_width, crop_height) <= 192
    assert crop.inner.x1 <= crop_width
    assert crop.inner.y1 <= crop_height
    assert face_input(crop, size=96).shape == (96, 96, 3)


def test_an_input_is_rgb_and_the_same_every_time() -> None:
    """The input has red first, matches the face's pixels, and never varies."""
    pixels = _gradient(400, 400)
    box = Box(100, 100, 292, 292)
    crop = cut(pixels, box)
    first = face_input(crop, size=96)
    expected = cv2.resize(pixels[100:292, 100:292, ::-1], (96, 96), interpolation=cv2.INTER_AREA)
    assert first.dtype == np.uint8
    assert np.array_equal(first, face_input(Crop(bytes(crop.jpeg), crop.inner), size=96))
    assert np.abs(first.astype(int) - expected).max() <= 6


def test_saturated_colours_do_not_bleed() -> None:
    """Red beside blue stays red beside blue: chroma is stored at full resolution."""
    pixels = np.zeros((96, 96, 3), np.uint8)
    pixels[:, 0::2] = (0, 0, 255)
    pixels[:, 1::2] = (255, 0, 0)
    stored = face_input(whole(pixels), size=96)
    assert np.abs(stored.astype(int) - pixels[:, :, ::-1]).max() < 60


def test_a_ready_made_crop_is_all_face() -> None:
    """An image that is a face already is kept whole, up to 192 pixels."""
    assert whole(_gradient(96, 96)).inner == Box(0, 0, 96, 96)
    assert whole(_gradient(400, 200)).inner == Box(0, 0, 192, 96)
    assert whole(np.zeros((2, 5000, 3), np.uint8)).inner == Box(0, 0, 192, 1)


def test_a_preview_is_small() -> None:
    """A preview has at most 160 pixels on its long side, and small images stay as they are."""
    assert _size(preview(_gradient(1000, 500))) == (160, 80)
    assert _size(preview(_gradient(30, 20))) == (30, 20)


@pytest.mark.parametrize("jpeg", [b"", b"damaged"])
def test_a_damaged_crop_is_unreadable(jpeg: bytes) -> None:
    """A stored crop that lost its bytes is reported, not guessed at."""
    with pytest.raises(UnreadableImageError, match="stored crop"):
        face_input(Crop(jpeg, Box(0, 0, 1, 1)), size=96)


def test_a_box_beyond_its_crop_is_unreadable() -> None:
    """An inner box that does not lie within its crop is reported as damage."""
    crop = Crop(whole(_gradient(50, 50)).jpeg, Box(0, 0, 51, 50))
    with pytest.raises(UnreadableImageError, match="stored crop"):
        face_input(crop, size=96)


def test_a_box_outside_the_image_is_refused() -> None:
    """A box that does not touch the image is a mistake of the caller."""
    with pytest.raises(ValueError, match="0 <= x0 < x1"):
        cut(_gradient(50, 50), Box(60, 0, 70, 10))
