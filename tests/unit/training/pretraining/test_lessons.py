"""The batches of a pretraining."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from training.portraits.character import cast_characters
from training.portraits.view import look
from training.pretraining.lessons import examination, lessons
from training.pretraining.settings import Phase, Pretraining
from training.pretraining.traits import Traits

SETTINGS = Pretraining(phases=(Phase(48, 5), Phase(64, 2)), characters=4, views=2, seed=3)


@pytest.fixture(scope="module")
def traits() -> Traits:
    """What is told of every face."""
    return Traits.measured()


def test_lessons_follow_the_phases(traits: Traits) -> None:
    """Every step gets its lesson: so many views of so many characters, in the phase's size."""
    drawn = list(lessons(SETTINGS, traits, start=0))
    assert [lesson.faces.shape for lesson in drawn] == [(8, 48, 48, 3)] * 5 + [(8, 64, 64, 3)] * 2
    for lesson in drawn:
        assert lesson.faces.dtype == np.uint8
        assert lesson.traits.shape == (8, len(traits))
        assert np.unique(lesson.who, return_counts=True)[1].tolist() == [2] * 4
    assert all((a.faces[0] != b.faces[0]).any() for a, b in pairwise(drawn[:5]))


@pytest.mark.parametrize("start", [1, 4, 6, 7])
def test_a_lesson_depends_on_its_place_alone(traits: Traits, start: int) -> None:
    """A pretraining that goes on anywhere sees what one without a stop would have seen."""
    whole = list(lessons(SETTINGS, traits, start=0))[start:]
    rest = list(lessons(SETTINGS, traits, start=start))
    assert len(rest) == len(whole) == SETTINGS.steps - start
    for one, other in zip(whole, rest, strict=True):
        np.testing.assert_array_equal(one.faces, other.faces)
        np.testing.assert_array_equal(one.who, other.who)
        np.testing.assert_array_equal(one.traits, other.traits)


def test_another_seed_draws_other_faces(traits: Traits) -> None:
    """No face of one seed is drawn by another."""
    first, second = (
        next(lessons(replace(SETTINGS, seed=seed), traits, start=0)).faces for seed in (0, 1)
    )
    assert all((face != second).any(axis=(1, 2, 3)).all() for face in first)


def test_an_examination_holds_no_lesson(traits: Traits) -> None:
    """Its characters are drawn from other chances than those of the lessons."""
    exam = examination(SETTINGS, traits, size=48, characters=6)
    assert exam.who.tolist() == np.repeat(np.arange(6), 2).tolist()
    learned = np.concatenate([one.traits for one in lessons(SETTINGS, traits, start=0)])
    apart = np.abs(exam.traits[:, None] - learned[None]).max(axis=2)
    assert apart.min() > 0.5


def test_traits_have_one_scale(traits: Traits) -> None:
    """Of any characters, every number is about normal, and none is missing or endless."""
    rng = np.random.default_rng(99)
    told = traits.of(cast_characters(2000, rng), look(2000, rng))
    assert told.dtype == np.float32
    assert np.isfinite(told).all()
    assert abs(float(told.mean())) < 0.05
    assert 0.8 < float(told.std()) < 1.2


def test_a_mirror_image_is_told_as_it_is_seen(traits: Traits) -> None:
    """Who is turned to the left is turned to the right in a mirror."""
    rng = np.random.default_rng(5)
    character, view = cast_characters(50, rng), look(50, rng)
    seen = traits.of(character, view)
    swapped = traits.of(
        character, replace(view, mirrored=~view.mirrored, yaw=-view.yaw, tilt=-view.tilt)
    )
    np.testing.assert_allclose(seen, swapped)
