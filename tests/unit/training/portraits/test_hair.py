"""Hair: every cut is drawn, stays with its character, and obeys the artist."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.random import PCG64, Generator

from training.portraits.character import Character, cast_characters
from training.portraits.easel.sheet import Sheet
from training.portraits.hair.back import draw_back
from training.portraits.hair.fringe import fringe
from training.portraits.hair.front import draw_front, outline
from training.portraits.hair.traits import CUT, CUTS, LOCKS, Hair, cast_hair
from training.portraits.head import frames
from training.portraits.view import View, look

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZE = 48
GREY = np.full((2, 2, 3), 128, np.uint8)


def _rng(seed: int = 3) -> Generator:
    return Generator(PCG64(seed))


def _straight(count: int) -> View:
    still = np.zeros(count, np.float32)
    return replace(look(count, _rng(5)), yaw=still, tilt=still, pitch=still)


def _drawn(character: Character, view: View) -> NDArray[np.uint8]:
    sheet = Sheet(frames(view, size=SIZE), size=SIZE)
    rng = _rng(8)
    draw_back(sheet, character, view, rng)
    draw_front(sheet, character, view, rng)
    return sheet.render([GREY] * len(view))


def _all_cuts() -> Character:
    cast = cast_characters(len(CUTS), _rng())
    return replace(cast, hair=replace(cast.hair, cut=np.arange(len(CUTS))))


def test_the_same_seed_gives_the_same_hair() -> None:
    """Chance comes from the generator alone, for hair as for its pictures."""
    first, second = (_drawn(cast_characters(9, _rng()), look(9, _rng(4))) for _ in range(2))
    assert np.array_equal(first, second)


def test_casts_hold_every_cut() -> None:
    """Among many characters no cut is missing, and every trait is there for each of them."""
    hair = cast_hair(2000, _rng())
    assert set(hair.cut) == set(CUT.values())
    assert len(hair.take(np.array([4, 4, 7]))) == 3
    assert np.isfinite(hair.colour).all()
    assert hair.colour.min() >= 0
    assert hair.colour.max() <= 255


def test_natural_colours_are_half() -> None:
    """A good part of the characters could be met in the street: grey or brown to blonde."""
    colour = cast_hair(4000, _rng()).colour
    red_above_blue = colour[:, 2] > colour[:, 0] + 10
    grey = np.ptp(colour, axis=1) < 25
    assert 0.4 < np.mean(grey | (red_above_blue & (colour[:, 1] > colour[:, 0]))) < 0.75


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("yaw", [-1.0, -0.4, 0.0, 0.7, 1.0])
def test_every_cut_is_drawn_from_every_side(yaw: float) -> None:
    """Much of each picture is hair, and no number is undefined."""
    view = _straight(len(CUTS))
    pictures = _drawn(_all_cuts(), replace(view, yaw=np.full(len(CUTS), yaw, np.float32)))
    painted = (pictures != 128).any(axis=3).mean(axis=(1, 2))
    assert painted.min() > 0.2


def test_no_faces_are_none() -> None:
    """Zero rows are fine, as a cut may have none."""
    cast = cast_characters(3, _rng()).take(np.array([], np.intp))
    assert _drawn(cast, look(3, _rng()).take(np.array([], np.intp))).shape == (0, SIZE, SIZE, 3)


def test_the_outline_covers_the_forehead_and_leaves_the_chin_free() -> None:
    """It reaches from above the head to the fringe, on every head."""
    cast, view = cast_characters(60, _rng()), look(60, _rng(4))
    path = outline(cast, view)
    assert path.shape[0] == 60
    assert path.shape[2] == 2
    assert path.dtype == np.float32
    assert path[..., 1].min(axis=1).max() < -1.0
    assert path[..., 1].max() < 1.2


def test_fringes_have_as_many_locks_as_they_should() -> None:
    """Locks that a fringe does not have take no room at its end."""
    hair = cast_hair(50, _rng())
    locks = fringe(hair, _rng(1))
    widths = np.diff(locks.gaps[..., 0], axis=1)
    assert np.array_equal(locks.there.sum(axis=1), hair.count)
    assert (widths[locks.there] > 0).all()
    assert np.allclose(widths[~locks.there], 0, atol=1e-5)
    assert locks.tips.shape == (50, LOCKS, 2)


def test_blunt_fringes_are_straighter_than_pointed_ones() -> None:
    """A straight cut has hardly any gaps."""
    hair = cast_hair(80, _rng())
    open_ = np.zeros(80, np.float32)

    def roughness(blunt: float) -> float:
        cut: Hair = replace(hair, blunt=np.full(80, blunt, np.float32), open=open_)
        locks = fringe(cut)
        return float(np.mean(locks.tips[:, 1, 1] - locks.gaps[:, 1, 1]))

    assert roughness(1.0) < 0.5 * roughness(0.0)


def test_artists_stray_but_little() -> None:
    """A fringe differs between two pictures, less than those of two characters."""
    hair = cast_hair(60, _rng())
    own, drawn = fringe(hair).edge, fringe(hair, _rng(2)).edge
    stray = np.abs(drawn - own).mean()
    assert 0 < stray < 0.5 * np.abs(own[1:] - own[:-1]).mean()


def test_no_line_means_no_outline() -> None:
    """An artist who draws no outlines adds no marks for them."""
    cast, view = cast_characters(30, _rng()), _straight(30)
    bare, lined = (replace(view, line=np.full(30, width, np.float32)) for width in (0.0, 0.05))
    assert not np.array_equal(_drawn(cast, bare), _drawn(cast, lined))
    black = replace(bare, darkness=np.ones(30, np.float32))
    grey = replace(bare, darkness=np.zeros(30, np.float32))
    plain = replace(cast, hair=replace(cast.hair, cut=np.full(30, CUT["long"])))
    assert np.array_equal(_drawn(plain, black), _drawn(plain, grey))
