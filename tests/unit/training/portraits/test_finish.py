"""Finishing: what happens to drawings keeps their shape, and comes from the generator alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.random import PCG64, Generator

from training.portraits.finishing import light, media, wear
from training.portraits.finishing.finish import finish
from training.portraits.finishing.palette import recolour

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_STEPS = (
    light.bloom,
    light.cast_light,
    light.haze,
    media.hatch,
    media.screen,
    media.sketch,
    media.texture,
    wear.blur,
    wear.compress,
    wear.cover,
    wear.rescale,
    wear.scatter_noise,
    wear.sharpen,
    wear.smear,
    wear.warp,
)


def _drawn(count: int, size: int = 48) -> NDArray[np.uint8]:
    """Smooth pictures, each of its own."""
    x, y = np.meshgrid(np.linspace(0, 1, size), np.linspace(0, 1, size))
    waves = [np.sin(2 * np.pi * (x * i + y * (i + 1))) for i in range(1, count + 1)]
    stacked = np.stack([np.stack([w, w**2, 1 - w**2], axis=2) for w in waves])
    return (stacked * 100 + 128).astype(np.uint8)


def test_the_same_seed_gives_the_same_pictures() -> None:
    """Chance comes from the generator alone, and the drawings are left alone."""
    drawn = _drawn(40)
    before = drawn.copy()
    first, second = (finish(drawn, Generator(PCG64(1))) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(drawn, before)
    assert first.dtype == np.uint8


def test_pictures_differ_and_most_stay_recognizable() -> None:
    """One drawing, finished often, is never twice the same, and mostly like itself."""
    drawn = np.repeat(_drawn(1), 200, axis=0)
    done = finish(drawn, Generator(PCG64(2)))
    assert len({picture.tobytes() for picture in done}) == 200
    flat = done.astype(np.float64).mean(axis=3).reshape(200, -1)
    # A few are lost in the light.
    flat = flat[flat.std(axis=1) > 1]
    assert len(flat) > 190
    alike = np.corrcoef(np.vstack([drawn[0].mean(axis=2).reshape(1, -1), flat]))[0, 1:]
    assert np.median(alike) > 0.8


@pytest.mark.parametrize("step", _STEPS)
@pytest.mark.parametrize("size", [32, 96])
def test_every_step_keeps_the_shape(
    step: Callable[[NDArray[np.uint8], Generator], NDArray[np.uint8]], size: int
) -> None:
    """A step returns bytes of the same shape, whatever chance brings, and leaves its input."""
    picture = _drawn(1, size)[0]
    before = picture.copy()
    for seed in range(12):
        done = step(picture, Generator(PCG64(seed)))
        assert done.shape == picture.shape
        assert done.dtype == np.uint8
    np.testing.assert_array_equal(picture, before)


def test_some_pictures_lose_their_colours() -> None:
    """Archives hold grey pictures and others of two colours; most keep theirs."""
    drawn = np.repeat(_drawn(1), 400, axis=0)
    recolour(drawn, Generator(PCG64(3)))
    flat = drawn.astype(np.float64).reshape(400, -1, 3)
    # The colours of a grey picture lie on one line.
    spread = np.array([np.linalg.svd(p - p.mean(axis=0), compute_uv=False)[1] for p in flat])
    grey = (spread < 0.06 * spread.max()).mean()
    assert 0.02 < grey < 0.2
