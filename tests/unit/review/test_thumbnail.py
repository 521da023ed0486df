"""Thumbnails: small, decodable, and none where the stored bytes are damaged."""

from __future__ import annotations

import io
from base64 import b64decode

import cv2
import numpy as np
import pytest
from PIL import Image

from review.thumbnail import thumbnail


def _jpeg(width: int, height: int) -> bytes:
    pixels = np.full((height, width, 3), (0, 0, 255), np.uint8)
    return cv2.imencode(".jpg", pixels)[1].tobytes()


@pytest.mark.parametrize(
    ("stored", "shown"),
    [((192, 192), (112, 112)), ((192, 96), (112, 56)), ((40, 30), (40, 30)), ((192, 1), (112, 1))],
)
def test_a_thumbnail_is_a_small_picture_of_the_same_colours(
    stored: tuple[int, int], shown: tuple[int, int]
) -> None:
    """It is a WebP of at most the side asked for, never enlarged, and red stays red."""
    uri = thumbnail(_jpeg(*stored), long_side=112)
    assert uri is not None
    head, _, data = uri.partition(",")
    with Image.open(io.BytesIO(b64decode(data))) as image:
        assert (head, image.format, image.size) == ("data:image/webp;base64", "WEBP", shown)
        red, green, blue = np.asarray(image.convert("RGB")).mean(axis=(0, 1))
    assert red > 240
    assert green < 20
    assert blue < 20


@pytest.mark.parametrize("jpeg", [b"", b"damaged", _jpeg(20, 20)[:30]])
def test_damaged_bytes_give_no_thumbnail(jpeg: bytes) -> None:
    """A stored picture that lost its bytes is told by None, not by an error."""
    assert thumbnail(jpeg, long_side=112) is None
