"""The batches of a pretraining: faces drawn on the spot, and what is to be learned of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from training.portraits.character import Character, cast_characters
from training.portraits.portrait import draw_portraits
from training.portraits.view import look

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from training.pretraining.settings import Pretraining
    from training.pretraining.traits import Traits

# Lessons that are drawn at once, as many faces together take half the time that a few do.
_AT_ONCE = 4

# Chance has other sources for judging than for learning.
_LEARNING, _JUDGING = 0, 1


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """Faces and what is to be learned of them.

    Attributes:
        faces: uint8 (n, size, size, 3), RGB.
        who: int (n,), a number for each character.
        traits: float32 (n, d).
    """

    faces: NDArray[np.uint8]
    who: NDArray[np.intp]
    traits: NDArray[np.float32]


def lessons(settings: Pretraining, traits: Traits, *, start: int) -> Iterator[Lesson]:
    """Draw lesson after lesson, a few of them ahead.

    What a lesson holds depends on the settings and its place alone.

    Args:
        settings: how many faces, of what size.
        traits: what is told of them.
        start: the first step; they are counted from 0.

    Yields:
        The lessons of the steps from `start` on.
    """

    def draw(steps: range) -> list[Lesson]:
        rng = np.random.default_rng([settings.seed, _LEARNING, steps.start])
        size = settings.size_at(steps.start)
        drawn = _lessons(settings, traits, count=len(steps), size=size, rng=rng)
        return drawn[max(start - steps.start, 0) :]

    left = [steps for steps in _together(settings) if steps.stop > start]
    with ThreadPoolExecutor(1) as thread:
        coming = [thread.submit(draw, steps) for steps in left[:1]]
        for steps in left[1:]:
            coming.append(thread.submit(draw, steps))
            yield from coming.pop(0).result()
        for last in coming:
            yield from last.result()


def examination(settings: Pretraining, traits: Traits, *, size: int, characters: int) -> Lesson:
    """Draw characters that are in no lesson.

    Args:
        settings: views of each; the seed.
        traits: what is told of them.
        size: width and height of a face in pixels.
        characters: how many.

    Returns:
        Their views, those of one character after another.
    """
    rng = np.random.default_rng([settings.seed, _JUDGING])
    character = cast_characters(characters, rng)
    return _drawn(character, settings.views, traits, size=size, rng=rng)


def _together(settings: Pretraining) -> Iterator[range]:
    """The steps whose lessons are drawn at once; all faces of them have one size."""
    begin = 0
    for phase in settings.phases:
        end = begin + phase.steps
        for first in range(begin, end, _AT_ONCE):
            yield range(first, min(first + _AT_ONCE, end))
        begin = end


def _lessons(
    settings: Pretraining, traits: Traits, *, count: int, size: int, rng: np.random.Generator
) -> list[Lesson]:
    character = cast_characters(settings.characters * count, rng)
    related = _related(character, share=settings.kinship, rng=rng)
    drawn = _drawn(related, settings.views, traits, size=size, rng=rng)
    parts = zip(*(np.split(v, count) for v in (drawn.faces, drawn.who, drawn.traits)), strict=True)
    return [Lesson(*part) for part in parts]


def _related(character: Character, *, share: float, rng: np.random.Generator) -> Character:
    """Have every second character take over parts of the one before it."""
    own = np.arange(len(character))
    parts = {}
    for field in fields(character):
        borrowed = (own % 2 == 1) & (rng.random(len(own)) < share)
        parts[field.name] = getattr(character, field.name).take(own - borrowed)
    return Character(**parts)


def _drawn(
    character: Character, views: int, traits: Traits, *, size: int, rng: np.random.Generator
) -> Lesson:
    who = np.repeat(np.arange(len(character)), views)
    shown, view = character.take(who), look(len(who), rng)
    pixels = draw_portraits(shown, view, rng, size=size)
    return Lesson(np.ascontiguousarray(pixels[..., ::-1]), who, traits.of(shown, view))
