"""Characters by the thousand: everything by which each of them is recognized."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from training.portraits.features.eyes import Eyes, cast_eyes
from training.portraits.features.face import Face, cast_faces
from training.portraits.hair.traits import Hair, cast_hair
from training.portraits.rows import Rows
from training.portraits.worn.traits import Worn, cast_worn

if TYPE_CHECKING:
    from numpy.random import Generator


@dataclass(frozen=True, slots=True, eq=False)
class Character(Rows):
    """Who n faces belong to.

    Attributes:
        face: skin, the shape of the face, and what is on it.
        eyes: eyes and brows.
        hair: hair.
        worn: what is worn on the head, on the nose and about the neck, and usual clothes.
    """

    face: Face
    eyes: Eyes
    hair: Hair
    worn: Worn


def cast_characters(count: int, rng: Generator) -> Character:
    """Make up characters.

    Args:
        count: n.
        rng: where chance comes from.

    Returns:
        The characters.
    """
    return Character(
        face=cast_faces(count, rng),
        eyes=cast_eyes(count, rng),
        hair=cast_hair(count, rng),
        worn=cast_worn(count, rng),
    )
