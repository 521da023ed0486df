"""Altered copies of faces."""

from __future__ import annotations

import numpy as np

from db.records import Box
from training.augment import alter


def test_the_same_chance_gives_the_same_copy() -> None:
    """A copy depends on the face and the seed alone, and two draws differ."""
    pixels = np.random.default_rng(0).integers(0, 256, (60, 50, 3), dtype=np.uint8)
    box = Box(5, 5, 45, 55)
    rng = np.random.default_rng(1)
    first, second = alter(pixels, box, size=96, rng=rng), alter(pixels, box, size=96, rng=rng)
    again = alter(pixels, box, size=96, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(first, again)
    assert (first != second).any()
    assert first.shape == (96, 96, 3)
    assert first.dtype == np.uint8


def test_the_face_stays_in_the_middle() -> None:
    """The centre of the face never leaves the middle of the copy."""
    pixels = np.zeros((96, 96, 3), np.uint8)
    pixels[36:60, 36:60] = 255
    rng = np.random.default_rng(0)
    for _ in range(50):
        rows, columns = np.nonzero(alter(pixels, Box(0, 0, 96, 96), size=96, rng=rng)[..., 0] > 127)
        assert abs(rows.mean() - 47.5) < 20
        assert abs(columns.mean() - 47.5) < 20


def test_what_comes_into_view_is_the_margin() -> None:
    """Pixels from around the face appear in copies, though none are in the face itself."""
    pixels = np.full((90, 90, 3), 200, np.uint8)
    pixels[20:70, 20:70] = 10
    rng = np.random.default_rng(0)
    copies = [alter(pixels, Box(20, 20, 70, 70), size=96, rng=rng) for _ in range(10)]
    assert any((copy > 190).any() for copy in copies)
