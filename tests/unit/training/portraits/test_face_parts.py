"""Faces, eyes, brows and mouths: what makes a character is seen, what a view says is done."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.random import PCG64, Generator

from training.portraits.character import Character, cast_characters
from training.portraits.easel import curves
from training.portraits.easel.sheet import Sheet
from training.portraits.features import ears, lids
from training.portraits.features.beard import BEARDS
from training.portraits.features.brows import draw_brows
from training.portraits.features.eyes import cast_eyes, draw_eyes
from training.portraits.features.face import cast_faces, draw_head
from training.portraits.features.iris import PUPILS
from training.portraits.features.lids import Eye
from training.portraits.features.marks import PAINTS
from training.portraits.features.mouth import draw_mouth
from training.portraits.features.nose import NOSES
from training.portraits.features.skull import outline
from training.portraits.head import CHIN_Y, EYE_Y, frames
from training.portraits.view import MOUTHS, View, look

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Draw = Callable[[Sheet, Character, View, Generator], None]

_COUNT = 24
_GREY = np.full((1, 1, 3), 128, np.uint8)
_DRAWS = (draw_head, draw_mouth, draw_eyes, draw_brows)


def _rng(seed: int = 3) -> Generator:
    return Generator(PCG64(seed))


def _view(count: int = _COUNT, **changes: Any) -> View:
    """Heads upright in the middle that look straight ahead with open eyes."""
    calm = dict.fromkeys(("yaw", "pitch", "tilt", "x", "y"), 0.0)
    same = dict.fromkeys(("stretch", "length", "eyes", "lid", "lit"), 1.0)
    style = {"zoom": 0.8, "mirrored": False, "wink": False, "depth": 0.8, "detail": 0.9}
    given = {**calm, **same, **style, **changes}
    view = look(count, _rng(5))
    kinds = {name: getattr(view, name).dtype for name in given}
    return replace(
        view, **{name: np.full(count, value, kinds[name]) for name, value in given.items()}
    )


def _character(count: int = _COUNT) -> Character:
    return cast_characters(count, _rng(7))


def _drawn(draw: Draw, character: Character, view: View) -> NDArray[np.uint8]:
    sheet = Sheet(frames(view, size=64), size=64)
    draw(sheet, character, view, _rng())
    return sheet.render([_GREY] * len(view))


def _changed(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where pictures differ from the backdrop; bool (n, 64, 64)."""
    changed: NDArray[np.bool_] = (picture != _GREY).any(axis=3)
    return changed


@pytest.mark.parametrize("cast", [cast_faces, cast_eyes])
def test_the_same_chance_casts_the_same(cast: Callable[[int, Generator], Any]) -> None:
    """All traits of two casts are equal, and have a row for each character."""
    first, second = cast(_COUNT, _rng()), cast(_COUNT, _rng())
    for field in fields(first):
        value = getattr(first, field.name)
        assert len(value) == _COUNT
        assert np.array_equal(value, getattr(second, field.name))


def test_kinds_are_places_in_their_tables() -> None:
    """Of many characters none has a kind that there is no drawing of."""
    face, eyes = cast_faces(3000, _rng()), cast_eyes(3000, _rng())
    for kinds, table in ((face.nose, NOSES), (face.paint, PAINTS), (face.beard, BEARDS),
                         (eyes.pupil, PUPILS)):  # fmt: skip
        assert set(kinds.tolist()) == set(range(len(table)))


def test_colours_can_be_painted() -> None:
    """Skin and irises lie between 0 and 255, and eyes seldom differ."""
    face, eyes = cast_faces(2000, _rng()), cast_eyes(2000, _rng())
    for colours in (face.skin, face.pigment, face.lipstick, eyes.left, eyes.right, eyes.glow):
        assert colours.shape == (2000, 3)
        assert colours.min() >= 0
        assert colours.max() <= 255
    assert 0.01 < (eyes.left != eyes.right).any(axis=1).mean() < 0.06


@pytest.mark.parametrize("draw", _DRAWS)
def test_the_same_chance_draws_the_same(draw: Draw) -> None:
    """Two drawings have the same pixels."""
    character, view = _character(), look(_COUNT, _rng())
    assert np.array_equal(_drawn(draw, character, view), _drawn(draw, character, view))


@pytest.mark.parametrize("draw", _DRAWS)
def test_one_face_is_enough(draw: Draw) -> None:
    """A single picture can be drawn, whatever it lacks."""
    for seed in range(4):
        character = cast_characters(1, _rng(seed))
        assert _drawn(draw, character, look(1, _rng(seed))).shape == (1, 64, 64, 3)


def test_heads_are_symmetric_from_the_front() -> None:
    """The outline reaches as far left as right, and down to the chin."""
    shape = outline(_character(), _view())
    assert np.allclose(shape[..., 0].max(axis=1), -shape[..., 0].min(axis=1), atol=0.05)
    assert np.abs(shape[..., 1].max(axis=1) - CHIN_Y).max() < 0.35


@pytest.mark.parametrize("yaw", [-0.5, 0.5, -1.0, 1.0])
def test_chins_turn_with_the_head(yaw: float) -> None:
    """The lowest point of the outline moves to the side that the head turns to."""
    shape = outline(_character(), _view(yaw=yaw))
    lowest = np.take_along_axis(shape[..., 0], shape[..., 1].argmax(axis=1)[:, None], axis=1)
    assert (np.sign(yaw) * lowest > 0.2).all()


def test_an_artist_draws_longer_faces() -> None:
    """A length above 1 stretches what lies below the eyes, and nothing above."""
    character = _character()
    short, long = outline(character, _view()), outline(character, _view(length=1.1))
    assert np.allclose(short[..., 1].min(axis=1), long[..., 1].min(axis=1))
    assert (long[..., 1].max(axis=1) > short[..., 1].max(axis=1) + 0.05).all()


def test_pointed_ears_reach_further_out() -> None:
    """A face with the ears of an elf covers more of the picture."""
    character, view = _character(), _view()
    areas = []
    for pointed in (0.0, 1.0):
        face = replace(character.face, ears=np.full(_COUNT, pointed, np.float32))
        sheet = Sheet(frames(view, size=64), size=64)
        ears.draw_ears(sheet, replace(character, face=face), view, over=False)
        areas.append(_changed(sheet.render([_GREY] * _COUNT)).sum())
    assert areas[1] > 1.2 * areas[0] > 0


def test_places_on_an_eye_stay_between_its_lids() -> None:
    """A point far below the lid is put on the lid, one in the middle stays."""
    character, view = _character(), _view()
    eye = Eye(character, view, np.tile(lids.KNOTS, (_COUNT, 1)), view.lid, side=1)
    far = eye.within(np.zeros((_COUNT, 1), np.float32), np.full((_COUNT, 1), 9.0, np.float32))
    assert np.allclose(far, eye.at(np.zeros((_COUNT, 1)), eye.lower[:, 6:7]), atol=1e-4)
    middle = np.zeros((_COUNT, 1), np.float32)
    assert np.allclose(eye.within(middle, middle), eye.at(middle, middle))


def test_eyes_have_the_colours_of_their_sides() -> None:
    """Of eyes that differ, the left one is red and the right one blue."""
    character, view = _character(), _view()
    red, blue = np.tile([0, 0, 255], (_COUNT, 1)), np.tile([255, 0, 0], (_COUNT, 1))
    eyes = replace(character.eyes, left=red.astype(np.float32), right=blue.astype(np.float32))
    picture = _drawn(draw_eyes, replace(character, eyes=eyes), view).astype(int)
    redness = picture[..., 2] - picture[..., 0]
    assert redness[:, :, :32].sum() > 0 > redness[:, :, 32:].sum()


def test_closed_eyes_show_no_iris() -> None:
    """What closed lids leave of the pictures is a fraction of open eyes."""
    character = _character()
    opened, closed = (_changed(_drawn(draw_eyes, character, _view(lid=lid))).sum()
                      for lid in (1.0, 0.0))  # fmt: skip
    assert 0 < closed < 0.65 * opened


def test_a_wink_closes_the_left_eye() -> None:
    """The left half of the pictures loses its iris, the right half keeps it."""
    character = _character()
    both = _changed(_drawn(draw_eyes, character, _view()))
    one = _changed(_drawn(draw_eyes, character, _view(wink=True)))
    assert one[:, :, :32].sum() < 0.65 * both[:, :, :32].sum()
    assert one[:, :, 33:].sum() > 0.9 * both[:, :, 33:].sum()


@pytest.mark.parametrize("draw", [draw_eyes, draw_brows])
def test_profiles_show_one_eye_and_one_brow(draw: Draw) -> None:
    """Fewer marks are recorded for a head that is seen from the side."""
    character = _character()
    marks = []
    for yaw in (0.0, 1.0):
        view = _view(yaw=yaw)
        sheet = Sheet(frames(view, size=64), size=64)
        draw(sheet, character, view, _rng())
        marks.append(sum(map(len, sheet._marks)))
    assert marks[1] < 0.7 * marks[0]


@pytest.mark.parametrize("name", MOUTHS)
def test_every_mouth_is_drawn_below_the_eyes(name: str) -> None:
    """All mouths but the hidden one leave marks in the lower half only."""
    seen = _changed(_drawn(draw_mouth, _character(), _view(mouth=MOUTHS.index(name))))
    assert seen.any(axis=(1, 2)).all() == (name != "hidden")
    assert not seen[:, :32].any()


def test_faces_are_drawn_with_few_marks() -> None:
    """Head, mouth, eyes and brows keep to their share of the time that a picture may take."""
    character, view = cast_characters(400, _rng()), look(400, _rng())
    sheet = Sheet(frames(view, size=64), size=64)
    for draw in _DRAWS:
        draw(sheet, character, view, _rng())
    assert np.mean([len(marks) for marks in sheet._marks]) < 45


def test_a_beard_covers_the_jaw_and_not_the_eyes() -> None:
    """A full beard changes the pictures below the eyes only."""
    character, view = _character(), _view()
    pictures = []
    for kind in (0, BEARDS.index("full")):
        face = replace(character.face, beard=np.full(_COUNT, kind))
        pictures.append(_drawn(draw_head, replace(character, face=face), view).astype(int))
    rows = np.flatnonzero((pictures[0] != pictures[1]).any(axis=(0, 2, 3)))
    level = frames(view, size=64)[0] @ np.array([0.0, EYE_Y, 1.0])
    assert rows.min() >= level[1] - 1


def test_grown_outlines_move_to_both_sides() -> None:
    """A circle grown by a half has a radius larger by a half, whichever way it runs."""
    circle = curves.ellipse(0, 0, 1, 1, steps=40)[:, :-1]
    for path in (circle, circle[:, ::-1]):
        radius = np.linalg.norm(curves.grown(path, 0.5), axis=2)
        assert np.allclose(radius, 1.5, atol=0.01)
