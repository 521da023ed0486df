"""What is worn and seen behind head and hair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.portraits.worn.hats import draw_back

if TYPE_CHECKING:
    from numpy.random import Generator

    from training.portraits.character import Character
    from training.portraits.easel.sheet import Sheet
    from training.portraits.view import View


def draw_behind(sheet: Sheet, character: Character, view: View, rng: Generator) -> None:
    """Draw what is seen behind head and hair."""
    draw_back(sheet, character, view, rng)
