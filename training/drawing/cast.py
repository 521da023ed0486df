"""Casting: made-up characters that differ clearly from one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from numpy.random import PCG64, Generator

from training.drawing.character import Character, Eyes, Hair
from training.drawing.colours import CLOTH, EYES, HAIR, SKIN, distance
from training.drawing.cuts import CUTS
from training.drawing.eyes import EYE_SHAPES
from training.drawing.fringes import FRINGES
from training.drawing.glasses import GLASSES
from training.drawing.headwear import HEADWEAR
from training.drawing.ribbons import RIBBONS

if TYPE_CHECKING:
    from collections.abc import Iterable

# Candidates for each part; the one least like those already cast gets it.
_AUDITIONS = 12

# How many characters wear or have something.
_HATS, _RIBBONED, _BESPECTACLED, _FANGED, _FRECKLED = 0.34, 0.45, 0.14, 0.12, 0.1
_DYED, _SPROUTING, _ODD_EYED = 0.15, 0.2, 0.06

# Dyed tips must differ this much from the rest of the hair to be seen.
_VISIBLE = 0.2

# Detectors know fair skin better than dark; the cast keeps to what they can find.
_SKINS = (*SKIN, *tuple(SKIN)[:5], *tuple(SKIN)[:5])

# How much a different trait sets two characters apart; hair colour counts by its distance.
_WEIGHTS = (("cut", 1.6), ("fringe", 1.0), ("headwear", 1.2), ("ribbon", 0.8), ("glasses", 0.9))
_HAIR_WEIGHT, _EYE_WEIGHT, _SKIN_WEIGHT = 3.5, 1.6, 1.0

# fmt: off
_STARTS = (
    "ka", "sa", "ta", "na", "ha", "ma", "ya", "ra", "mi", "ri", "hi", "ki", "shi", "chi", "yu",
    "ru", "fu", "ku", "me", "ne", "re", "ko", "no", "mo", "ao", "ai", "e", "u", "i",
)
_MIDDLES = (
    "ka", "ku", "na", "no", "mi", "ri", "ru", "ra", "shi", "sa", "yo", "zu", "ha", "me", "ki",
    "ma", "ta", "chi", "ya", "to",
)
_ENDS = (
    "na", "ka", "mi", "ri", "ko", "o", "e", "ha", "no", "ya", "ne", "ra", "ki", "to", "ru", "me",
    "su", "chi", "n",
)
# fmt: on
_SHORTEST_NAME = 3

Traits = npt.NDArray[np.float64]


def cast(count: int, *, seed: int) -> tuple[Character, ...]:
    """Return characters that differ clearly, each under a name of its own.

    A longer cast of the same seed starts with the shorter one.

    Args:
        count: how many.
        seed: fixes them all.
    """
    rng = Generator(PCG64(seed))
    chosen: list[Character] = []
    known = np.zeros((count, 0))
    for i in range(count):
        name = _new_name(rng, {character.name for character in chosen})
        candidates = [_audition(rng, name) for _ in range(_AUDITIONS)]
        traits = np.stack([_traits(candidate) for candidate in candidates])
        known = known if known.shape[1] else np.zeros((count, traits.shape[1]))
        best = _least_like(traits, known[:i])
        chosen.append(candidates[best])
        known[i] = traits[best]
    return tuple(chosen)


def _least_like(candidates: Traits, known: Traits) -> int:
    if not len(known):
        return 0
    apart = np.abs(candidates[:, None] - known[None]).sum(axis=2)
    return int(apart.min(axis=1).argmax())


def _traits(character: Character) -> Traits:
    """Return a vector whose L1 distance to another one says how different two characters look."""
    hair, eyes = character.hair, character.eyes
    named = {"cut": hair.cut, "fringe": hair.fringe, "headwear": character.headwear,
             "ribbon": character.ribbon, "glasses": character.glasses}  # fmt: skip
    tables = {"cut": CUTS, "fringe": FRINGES, "headwear": HEADWEAR, "ribbon": RIBBONS,
              "glasses": GLASSES}  # fmt: skip
    parts = [
        np.array([w / 2 * (named[key] == option) for option in tables[key]]) for key, w in _WEIGHTS
    ]
    tints = [
        _HAIR_WEIGHT * np.asarray(HAIR[hair.colour]) / 442.0,
        _HAIR_WEIGHT / 2 * np.asarray(HAIR[hair.tips]) / 442.0,
        _EYE_WEIGHT * np.asarray(EYES[eyes.right]) / 442.0,
        _SKIN_WEIGHT * np.asarray(SKIN[character.skin]) / 442.0,
    ]
    return np.concatenate([*parts, *tints])


def _audition(rng: Generator, name: str) -> Character:
    headwear = _maybe(rng, HEADWEAR, _HATS)
    return Character(
        name=name,
        hair=_hair(rng),
        eyes=_eyes(rng),
        skin=_pick(rng, _SKINS),
        chin=float(rng.uniform(0, 1)),
        headwear=headwear,
        ribbon="" if headwear else _maybe(rng, RIBBONS, _RIBBONED),
        glasses=_maybe(rng, GLASSES, _BESPECTACLED),
        accent=_pick(rng, CLOTH),
        mole=int(rng.choice((-1, 0, 0, 0, 0, 1))),
        fang=bool(rng.random() < _FANGED),
        freckles=bool(rng.random() < _FRECKLED),
    )


def _hair(rng: Generator) -> Hair:
    colour = _pick(rng, HAIR)
    other = _pick(rng, HAIR)
    dyed = rng.random() < _DYED and distance(HAIR[colour], HAIR[other]) > _VISIBLE
    return Hair(
        colour=colour,
        tips=other if dyed else colour,
        cut=_pick(rng, CUTS),
        fringe=_pick(rng, FRINGES),
        sides=float(rng.choice((0.0, 0.0, 0.75, 1.05, 1.7))),
        volume=float(rng.uniform(0.96, 1.08)),
        length=float(rng.uniform(0.75, 1.2)),
        flipped=bool(rng.integers(2)),
        sprout=bool(rng.random() < _SPROUTING),
    )


def _eyes(rng: Generator) -> Eyes:
    right = _pick(rng, EYES)
    left = _pick(rng, EYES) if rng.random() < _ODD_EYED else right
    return Eyes(right, left, _pick(rng, EYE_SHAPES), float(rng.uniform(0.94, 1.06)))


def _pick(rng: Generator, table: Iterable[str]) -> str:
    names = tuple(table)
    return str(names[int(rng.integers(len(names)))])


def _maybe(rng: Generator, table: Iterable[str], share: float) -> str:
    name = _pick(rng, table)
    return name if rng.random() < share else ""


def _new_name(rng: Generator, taken: set[str]) -> str:
    while True:
        syllables = [_pick(rng, _STARTS), _pick(rng, ("", *_MIDDLES)), _pick(rng, _ENDS)]
        name = "".join(syllables if rng.integers(2) else syllables[::2])
        if name not in taken and len(name) >= _SHORTEST_NAME:
            return name
