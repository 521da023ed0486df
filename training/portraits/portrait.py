"""Portraits: crops of faces, as a detector would cut them out of drawings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.portraits.backdrops import backdrops
from training.portraits.body.clothes import draw_body
from training.portraits.body.hands import draw_hands
from training.portraits.easel.sheet import Sheet
from training.portraits.features.brows import draw_brows
from training.portraits.features.eyes import draw_eyes
from training.portraits.features.face import draw_head
from training.portraits.features.mouth import draw_mouth
from training.portraits.finishing.finish import finish
from training.portraits.hair.back import draw_back
from training.portraits.hair.front import draw_front
from training.portraits.head import frames
from training.portraits.worn.behind import draw_behind
from training.portraits.worn.glasses import draw_glasses
from training.portraits.worn.over import draw_over

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.random import Generator
    from numpy.typing import NDArray

    from training.portraits.character import Character
    from training.portraits.view import View

    Layer = Callable[[Sheet, Character, View, Generator], None]

# From the back to the front. Brows shine through the fringe, as nearly every artist has it.
LAYERS: tuple[Layer, ...] = (
    draw_behind,
    draw_back,
    draw_body,
    draw_head,
    draw_mouth,
    draw_eyes,
    draw_glasses,
    draw_front,
    draw_brows,
    draw_over,
    draw_hands,
)


def draw_portraits(
    character: Character,
    view: View,
    rng: Generator,
    *,
    size: int = 96,
    oversampling: int = 2,
) -> NDArray[np.uint8]:
    """Draw faces before backdrops, and let happen to them what happens to pictures.

    All faces are worked on at once: a few dozen or hundred at a time are fastest.

    Args:
        character: whose faces; n, where one who is to be drawn often is there as often.
        view: how each is seen; n.
        rng: where all other chance comes from.
        size: width and height in pixels.
        oversampling: how many times larger they are drawn, then averaged down.

    Returns:
        uint8 (n, size, size, 3), BGR.
    """
    sheet = Sheet(frames(view, size=size), size=size, oversampling=oversampling)
    for layer in LAYERS:
        layer(sheet, character, view, rng)
    return finish(sheet.render(backdrops(len(view), rng)), rng)
