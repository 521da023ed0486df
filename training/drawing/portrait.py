"""A portrait: one character in one pose, layer by layer from back to front."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.drawing.clothes import draw_body
from training.drawing.colours import CLOTH, HAIR, SKIN, ink, mix
from training.drawing.cuts import draw_back
from training.drawing.eyes import draw_eyes
from training.drawing.face import MOUTH_Y, draw_brows, draw_head
from training.drawing.fringe import draw_front, front
from training.drawing.glasses import draw_glasses
from training.drawing.headwear import draw_headwear
from training.drawing.mouth import draw_mouth
from training.drawing.ribbons import draw_ribbon

if TYPE_CHECKING:
    from training.drawing.character import Character
    from training.drawing.pen import Pen
    from training.drawing.pose import Pose

# The square that detectors return, in units of the head: its middle below the origin, half a side.
FACE_Y = 0.36
FACE_HALF = 0.98

# The joint of head and neck, about which a tilted head turns.
_NECK_Y = 0.75

# Shoulders are drawn narrower than they were designed.
_BUILD = (0.86, 0.98)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a head stands: the pixel of its middle and half its width in pixels."""

    x: float
    y: float
    unit: float


def draw_portrait(pen: Pen, character: Character, pose: Pose, place: Place) -> None:
    """Draw head and body of a character; pen has units of pixels."""
    upright = pen.moved(place.x, place.y, stretch=(place.unit, place.unit))
    head = upright.moved(angle=pose.tilt)
    swing = np.radians(pose.tilt)
    body = upright.moved(
        -float(np.sin(swing)) * _NECK_Y, (float(np.cos(swing)) - 1) * _NECK_Y, stretch=_BUILD
    )
    draw_back(upright.moved(angle=pose.tilt * 0.6), character.hair, pose, accent=character.accent)
    draw_body(body, pose, SKIN[character.skin])
    _draw_face(head, character, pose)
    _draw_worn(head, character)


def face_square(pose: Pose, place: Place) -> tuple[float, float, float, float]:
    """Return the face's square (x0, y0, x1, y1) in pixels, not clipped to the picture."""
    swing = np.radians(pose.tilt)
    x = 0.10 * pose.yaw * float(np.cos(swing)) - FACE_Y * float(np.sin(swing))
    y = 0.10 * pose.yaw * float(np.sin(swing)) + FACE_Y * float(np.cos(swing))
    centre_x, centre_y, half = (
        place.x + x * place.unit,
        place.y + y * place.unit,
        FACE_HALF * place.unit,
    )
    return centre_x - half, centre_y - half, centre_x + half, centre_y + half


def _draw_face(head: Pen, character: Character, pose: Pose) -> None:
    hair = character.hair
    draw_head(head, character, pose, cast=front(hair, pose))
    mouth_y = MOUTH_Y + 0.04 * pose.pitch
    draw_mouth(head.moved(0.19 * pose.yaw, mouth_y), pose.expression.mouth, fang=character.fang)
    if character.glasses:
        tint, skin = CLOTH[character.accent], SKIN[character.skin]
        draw_glasses(head, character.glasses, tint, skin, pose)
    draw_eyes(head, character, pose)
    draw_front(head, hair, pose)
    draw_brows(head, mix(ink(HAIR[hair.colour]), HAIR[hair.colour], 0.25), pose)


def _draw_worn(head: Pen, character: Character) -> None:
    tint = CLOTH[character.accent]
    if character.headwear:
        draw_headwear(head, character.headwear, tint, HAIR[character.hair.colour])
    if character.ribbon:
        draw_ribbon(head, character.ribbon, tint)
