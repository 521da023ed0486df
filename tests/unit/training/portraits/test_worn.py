"""What is worn, clothes and what comes before faces: every kind is drawn, within its rules."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.random import PCG64, Generator

from training.portraits.body import hands
from training.portraits.body.clothes import draw_body
from training.portraits.body.hands import draw_hands
from training.portraits.body.stance import Stance
from training.portraits.character import Character, cast_characters
from training.portraits.easel.sheet import Sheet
from training.portraits.head import frames
from training.portraits.view import View, look
from training.portraits.worn.behind import draw_behind
from training.portraits.worn.craft import BARE, ring, rosette, seen, whole
from training.portraits.worn.glasses import draw_glasses
from training.portraits.worn.over import draw_over
from training.portraits.worn.traits import (
    COLLARS,
    EARRINGS,
    GLASSES,
    HEADWEAR,
    ORNAMENTS,
    OUTFITS,
    TIES,
    cast_worn,
    place_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Layer = Callable[[Sheet, Character, View, Generator], None]

SIZE = 48
GREY = np.full((2, 2, 3), 128, np.uint8)
WORN_LAYERS = (draw_behind, draw_glasses, draw_over)
KINDS = (("headwear", HEADWEAR), ("ornament", ORNAMENTS), ("glasses", GLASSES),
         ("earring", EARRINGS))  # fmt: skip


def _rng(seed: int = 3) -> Generator:
    return Generator(PCG64(seed))


def _straight(count: int, *, worn: bool = True) -> View:
    still = np.zeros(count, np.float32)
    whims = np.full((count, 4), 1.0 if worn else 0.0, np.float32)
    return replace(look(count, _rng(5)), yaw=still, tilt=still, pitch=still, zoom=still + 0.6,
                   x=still, y=still + 0.1, whims=whims)  # fmt: skip


def _cast(count: int, **traits: NDArray[np.intp]) -> Character:
    """Characters who wear nothing but what is asked for."""
    cast = cast_characters(count, _rng())
    none = np.zeros(count, np.intp)
    worn: dict[str, Any] = dict.fromkeys((name for name, _ in KINDS), none) | traits
    return replace(cast, worn=replace(cast.worn, **worn))


def _drawn(character: Character, view: View, *layers: Layer) -> NDArray[np.uint8]:
    sheet = Sheet(frames(view, size=SIZE), size=SIZE)
    rng = _rng(8)
    for layer in layers:
        layer(sheet, character, view, rng)
    return sheet.render([GREY] * len(view))


def _touched(pictures: NDArray[np.uint8]) -> NDArray[np.bool_]:
    touched: NDArray[np.bool_] = (pictures != GREY[0, 0]).any(axis=(1, 2, 3))
    return touched


@pytest.mark.parametrize(("trait", "kinds"), KINDS)
def test_every_kind_shows_but_none(trait: str, kinds: dict[str, float]) -> None:
    """A head with a thing of any kind gets marks, one without any gets none."""
    places = np.arange(len(kinds))
    character = _cast(len(kinds), **{trait: places})
    assert _touched(_drawn(character, _straight(len(kinds)), *WORN_LAYERS)).tolist() == [
        place > 0 for place in places
    ]


def test_things_are_left_at_home_on_all_layers_at_once() -> None:
    """In a picture in which a hat is not worn, nothing of it lies behind the head either."""
    hats = np.arange(len(HEADWEAR))
    character = _cast(len(hats), headwear=hats)
    assert not _touched(_drawn(character, _straight(len(hats), worn=False), *WORN_LAYERS)).any()


def test_things_are_mostly_worn() -> None:
    """About the share that is meant goes without a thing, independently for each whim."""
    view = look(4000, _rng())
    shares = [1 - seen(view, whim).mean() for whim in range(4)]
    assert shares == pytest.approx([BARE] * 4, abs=0.02)


def test_casts_hold_every_kind() -> None:
    """Among many characters no kind of anything is missing, and half wear nothing in their hair."""
    worn = cast_worn(6000, _rng())
    for trait, kinds in KINDS:
        assert set(getattr(worn, trait)) == set(range(len(kinds)))
    assert set(worn.collar) == set(range(len(COLLARS)))
    assert set(worn.outfit.kind) == set(range(len(OUTFITS)))
    assert set(worn.outfit.tie) == set(range(len(TIES)))
    bare = (worn.headwear == 0) & (worn.ornament == 0)
    assert 0.4 < bare.mean() < 0.6


def test_rows_of_what_is_worn_can_be_taken() -> None:
    """Taking rows takes them of every trait, those of the clothes included."""
    worn = cast_worn(9, _rng())
    some = worn.take(np.array([4, 4, 7]))
    assert len(some) == 3
    assert np.array_equal(some.outfit.cloth[1], worn.outfit.cloth[4])
    assert np.array_equal(some.knots[2], worn.knots[7])


@pytest.mark.parametrize("layer", [draw_body, draw_hands, draw_over])
def test_the_same_seed_gives_the_same_pictures(layer: Layer) -> None:
    """Chance comes from the generator alone."""
    first, second = (_drawn(cast_characters(40, _rng()), look(40, _rng(4)), layer) for _ in "ab")
    assert np.array_equal(first, second)


def test_every_outfit_covers_the_shoulders_or_shows_skin() -> None:
    """Whatever is worn, there is a body below the head."""
    count = len(OUTFITS)
    character = _cast(count)
    outfit = replace(character.worn.outfit, kind=np.arange(count))
    character = replace(character, worn=replace(character.worn, outfit=outfit))
    assert _touched(_drawn(character, _straight(count), draw_body)).all()


def test_bodies_lean_less_than_heads() -> None:
    """A head that lies on its side leans further over than the body below it."""
    view = replace(_straight(50), tilt=np.full(50, 30, np.float32))
    spine = np.array([[(0, 1.2), (0, 2.2)]], np.float32)
    placed = Stance(view, _rng(), np.ones(50, np.float32)).place(spine)
    lean = np.degrees(np.arctan2(*(placed[:, 1] - placed[:, 0]).T))
    # Turned against the head, but by less than the head is turned.
    assert 5 < lean.mean() < 30


def test_some_faces_have_something_before_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """About a fifth of all pictures; of each kind, something is to be seen in most."""
    view = _straight(1500)
    share = _touched(_drawn(cast_characters(1500, _rng()), view, draw_hands)).mean()
    assert 0.12 < share < 0.25
    for kind in list(hands._KINDS)[1:]:
        monkeypatch.setattr(hands, "_KINDS", {name: name == kind for name in hands._KINDS})
        few = _straight(12)
        assert _touched(_drawn(cast_characters(12, _rng()), few, draw_hands)).mean() > 0.6


def test_kinds_have_places() -> None:
    """Names become their places, so that tables and casts mean the same."""
    assert place_of(TIES, "none", "bow").tolist() == [0, 2]


def test_shapes_are_closed_outlines() -> None:
    """Halves are completed without a doubled seam; rings run outside and then back inside."""
    half = np.array([[(0, -1), (1, 0), (0, 1)]], np.float32)
    assert whole(half).tolist() == [[[0, -1], [1, 0], [0, 1], [-1, 0]]]
    ball = rosette(np.array([5.0]), np.array([0.0]))
    assert np.allclose(np.hypot(*ball[0].T), 1, atol=1e-5)
    reach = np.hypot(*ring(ball, 0.2)[0].T)
    assert reach.min() == pytest.approx(0.9, abs=0.01)
    assert reach.max() == pytest.approx(1.1, abs=0.01)
