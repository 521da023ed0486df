"""Shrinking: sizes, and that the quick way gives what the slow one would."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from worker.vision.resize import shrink

RNG = np.random.default_rng(7)


def _smooth(height: int, width: int) -> np.ndarray:
    noise = RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 6), np.uint8)


@pytest.mark.parametrize(
    ("shape", "long_side", "expected"),
    [
        ((1000, 700, 3), 256, (256, 179, 3)),
        ((1021, 733), 256, (256, 184)),
        ((5000, 1, 3), 100, (100, 1, 3)),
        ((1, 4097), 64, (1, 64)),
        ((256, 200, 3), 256, (256, 200, 3)),
        ((30, 20, 3), 256, (30, 20, 3)),
    ],
)
def test_the_long_side_is_met_and_the_shape_kept(
    shape: tuple[int, ...], long_side: int, expected: tuple[int, ...]
) -> None:
    """Colour and grey images end at that long side; smaller ones stay as they are."""
    assert shrink(np.zeros(shape, np.uint8), long_side).shape == expected


@pytest.mark.parametrize("long_side", [256, 320, 192])
def test_halving_first_gives_what_pixel_area_gives(long_side: int) -> None:
    """On odd sizes, too, the result is that of one resize by pixel area, give or take noise."""
    pixels = _smooth(1021, 733)
    size = (round(733 * long_side / 1021), long_side)
    direct = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(shrink(pixels, long_side) - direct).mean() < 1
