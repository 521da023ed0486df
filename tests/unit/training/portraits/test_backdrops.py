"""Backdrops: of all kinds, deterministic, and fit to be stretched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.random import PCG64, Generator

from training.portraits.backdrops import backdrops
from training.portraits.patterns import PATTERNS

if TYPE_CHECKING:
    from training.portraits.patterns import Pattern


def test_the_same_seed_gives_the_same_backdrops() -> None:
    """Chance comes from the generator alone."""
    first, second = (backdrops(60, Generator(PCG64(5))) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_backdrops_are_pictures() -> None:
    """Each is a small BGR picture of bytes, and nearly none looks like another one."""
    made = backdrops(200, Generator(PCG64(6)))
    assert len(made) == 200
    assert all(p.dtype == np.uint8 and p.ndim == 3 and p.shape[2] == 3 for p in made)
    assert len({picture.tobytes() for picture in made}) > 150


def test_no_backdrops_are_none() -> None:
    """Zero pictures are fine."""
    assert backdrops(0, Generator(PCG64(7))) == []


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_use_their_palette(pattern: Pattern) -> None:
    """A pattern of one colour twice is flat."""
    palette = np.full((2, 3), 90, np.uint8)
    drawn = pattern(palette, Generator(PCG64(8)))
    assert drawn.dtype == np.uint8
    np.testing.assert_allclose(drawn, 90, atol=1)
