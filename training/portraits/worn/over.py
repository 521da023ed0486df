"""What is worn over the hair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.portraits.worn.bands import draw_bands
from training.portraits.worn.ears_horns import draw_ears
from training.portraits.worn.glasses import draw_goggles
from training.portraits.worn.hats import draw_hats
from training.portraits.worn.ribbons import draw_ornaments

if TYPE_CHECKING:
    from numpy.random import Generator

    from training.portraits.character import Character
    from training.portraits.easel.sheet import Sheet
    from training.portraits.view import View


def draw_over(sheet: Sheet, character: Character, view: View, rng: Generator) -> None:
    """Draw what is worn over the hair."""
    draw_ears(sheet, character, view, rng)
    draw_bands(sheet, character, view, rng)
    draw_ornaments(sheet, character, view, rng)
    draw_hats(sheet, character, view, rng)
    draw_goggles(sheet, character, view, rng)
