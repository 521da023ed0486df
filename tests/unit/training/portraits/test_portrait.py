"""Portraits: deterministic, whole, and each character recognizable by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from numpy.random import PCG64, Generator

from training.portraits.character import cast_characters
from training.portraits.contact import write_contact_sheet
from training.portraits.easel.sheet import Sheet
from training.portraits.head import frames
from training.portraits.portrait import LAYERS, draw_portraits
from training.portraits.view import look

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from training.portraits.portrait import Layer


def _drawn(count: int, seed: int, size: int = 32) -> NDArray[np.uint8]:
    rng = Generator(PCG64(seed))
    return draw_portraits(cast_characters(count, rng), look(count, rng), rng, size=size)


def test_the_same_seed_gives_the_same_portraits() -> None:
    """Chance comes from the generator alone."""
    np.testing.assert_array_equal(_drawn(24, 1), _drawn(24, 1))


def test_portraits_are_pictures_of_their_own() -> None:
    """Each is a BGR picture of bytes, and no two are alike."""
    drawn = _drawn(60, 2)
    assert drawn.shape == (60, 32, 32, 3)
    assert drawn.dtype == np.uint8
    assert len({picture.tobytes() for picture in drawn}) == 60


@pytest.mark.parametrize("count", [1, 2])
def test_few_portraits_are_fine(count: int) -> None:
    """Kinds that nobody among few has are no trouble."""
    for seed in range(8):
        assert len(_drawn(count, 100 + seed)) == count


@pytest.mark.parametrize("layer", LAYERS)
def test_every_layer_draws_on_its_own(layer: Layer) -> None:
    """A layer marks some of many faces, and only its sheet."""
    rng = Generator(PCG64(4))
    cast, views = cast_characters(150, rng), look(150, rng)
    sheet = Sheet(frames(views, size=24), size=24)
    layer(sheet, cast, views, rng)
    assert sheet.marks > 0
    assert sheet.render([np.zeros((1, 1, 3), np.uint8)] * 150).any()


def test_views_of_one_character_are_more_alike_than_others() -> None:
    """Mean colours of a character's pictures lie closer together than those of all pictures."""
    rng = Generator(PCG64(5))
    cast = cast_characters(30, rng)
    rows = np.repeat(np.arange(30), 10)
    drawn = draw_portraits(cast.take(rows), look(300, rng), rng, size=24)
    colours = drawn.astype(np.float64).mean(axis=(1, 2)).reshape(30, 10, 3)
    within = colours.var(axis=1).mean()
    assert within < 0.8 * colours.reshape(-1, 3).var(axis=0).mean()


def test_taking_rows_takes_all_of_a_character() -> None:
    """Rows may be taken in any order and often, by index or by mask."""
    cast = cast_characters(5, Generator(PCG64(6)))
    twice = cast.take(np.array([4, 4, 0]))
    assert len(twice) == 3
    np.testing.assert_array_equal(twice.hair.colour[0], cast.hair.colour[4])
    np.testing.assert_array_equal(twice.worn.accent[2], cast.worn.accent[0])
    assert len(cast.take(np.arange(5) > 2)) == 2


def test_a_contact_sheet_shows_everyone(tmp_path: Path) -> None:
    """Strips of one character's views fill a sheet; the same seed gives the same bytes."""
    first, second = tmp_path / "a.png", tmp_path / "b.png"
    for path in (first, second):
        write_contact_sheet(path, characters=5, views=3, seed=1, size=24)
    assert first.read_bytes() == second.read_bytes()
    sheet = cv2.imread(str(first))
    assert sheet is not None
    assert sheet.shape[1] % (3 * 24) == 0
    assert sheet.shape[0] * sheet.shape[1] >= 5 * 3 * 24 * 24
