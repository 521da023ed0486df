"""The face: skull, ears, shadows on the skin, blush, nose and brows.

The unit is half the width of the head; the origin is the middle of the head, y points to the chin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.drawing.colours import SKIN, Colour, colour, ink, mix, shade
from training.drawing.curves import PathLike, Points, bend, ellipse, spline, symmetric

if TYPE_CHECKING:
    from training.drawing.character import Character
    from training.drawing.pen import Pen
    from training.drawing.pose import Pose

# Where the features sit on a head that looks straight ahead.
EYE_Y = 0.22
EYE_X = 0.44
NOSE_Y = 0.60
MOUTH_Y = 0.79
CHIN_Y = 1.07

_BLUSH = colour("#f0604f")


def outline(character: Character, pose: Pose) -> Points:
    """Return the outline of skull and jaw; the chin follows the yaw of the head."""
    sharp = character.chin
    half = [
        (0.0, -1.12),
        (0.52, -1.0),
        (0.86, -0.66),
        (0.97, -0.2),
        (0.94, 0.22),
        (0.80, 0.56),
        (0.52 - 0.05 * sharp, 0.84),
        (0.20 - 0.08 * sharp, CHIN_Y - 0.06),
    ]
    path = symmetric(half)
    # Only the lower half leans: the skull stays a ball.
    path[:, 0] += 0.12 * pose.yaw * path[:, 1].clip(0, None)
    return spline(path)


def draw_head(pen: Pen, character: Character, pose: Pose, *, cast: PathLike) -> None:
    """Draw ears and face, with the shadow that the fringe casts on it.

    Args:
        pen: in the units of the head.
        character: who.
        pose: how.
        cast: the outline of the fringe.
    """
    skin = SKIN[character.skin]
    for side in (-1, 1):
        _draw_ear(pen.moved(0.95 * side - 0.06 * pose.yaw, 0.26, stretch=(side, 1)), skin)
    face = outline(character, pose)
    pen.paint(face, skin, edge=ink(skin))
    with pen.inside(face) as inner:
        _shade_skin(inner, skin, pose, cast)
        _draw_blush(inner, pose)
        if character.freckles:
            _draw_freckles(inner, skin, pose)
    _draw_nose(pen, skin, pose)
    if character.mole:
        spot = (0.42 * character.mole + 0.15 * pose.yaw, 0.60)
        pen.fill(ellipse(spot, (0.028, 0.028), steps=10), ink(skin))


def draw_brows(pen: Pen, tint: Colour, pose: Pose) -> None:
    """Draw the brows; they shine through the fringe, as is the custom of the genre."""
    mood = pose.expression
    for side in (-1, 1):
        x = EYE_X * side + 0.15 * pose.yaw
        y = -0.22 + 0.06 * pose.pitch - 0.05 * (mood.lid - 0.9)
        inner, outer = (x - 0.20 * side, y - mood.brow), (x + 0.24 * side, y + 0.05)
        arch = bend(inner, (x + 0.04 * side, y - 0.09), outer)
        pen.stroke(arch, tint, width=0.055, taper=(0.6, 0.0), alpha=0.75)


def _draw_ear(pen: Pen, skin: Colour) -> None:
    ear = spline([(-0.05, -0.22), (0.10, -0.26), (0.17, -0.08), (0.10, 0.14), (-0.05, 0.20)])
    pen.paint(ear, skin, edge=ink(skin))
    pen.stroke(bend((0.0, -0.12), (0.12, -0.16), (0.06, 0.08)), shade(skin), width=0.05)


def _shade_skin(pen: Pen, skin: Colour, pose: Pose, cast: PathLike) -> None:
    pen.moved(0.05 * pose.lit_from * -1, 0.10).fill(cast, shade(skin, 0.75))
    dark = -pose.lit_from
    cheek = spline(
        [(1.1, -0.6), (0.93, 0.1), (0.74, 0.55), (0.40, 0.93), (0.0, 1.2), (1.2, 1.2)]
    ) * (dark, 1.0)
    pen.fill(cheek, shade(skin, 0.75))


def _draw_blush(pen: Pen, pose: Pose) -> None:
    strength = pose.expression.blush
    for side in (-1, 1):
        x = 0.58 * side + 0.15 * pose.yaw
        pen.glow(x, 0.60, 0.26, _BLUSH, alpha=0.25 + 0.3 * strength)
        if strength > 0.8:  # noqa: PLR2004 - only the very shy get blush lines
            for step in (-0.1, 0.0, 0.1):
                dash = bend((x + step + 0.03, 0.54), (x + step, 0.58), (x + step - 0.03, 0.64))
                pen.stroke(dash, _BLUSH, width=0.025, alpha=0.6)


def _draw_freckles(pen: Pen, skin: Colour, pose: Pose) -> None:
    for side in (-1, 1):
        for dx, dy in ((0.0, 0.0), (0.11, 0.05), (-0.10, 0.06), (0.03, 0.10)):
            spot = (0.52 * side + dx + 0.15 * pose.yaw, 0.55 + dy)
            pen.fill(ellipse(spot, (0.02, 0.02), steps=8), mix(skin, shade(skin, 3), 0.7))


def _draw_nose(pen: Pen, skin: Colour, pose: Pose) -> None:
    x, y = 0.24 * pose.yaw, NOSE_Y + 0.05 * pose.pitch
    lean = 0.04 if pose.lit_from < 0 else -0.04
    pen.stroke(
        bend((x, y - 0.06), (x + lean * 1.6, y), (x, y + 0.02)), shade(skin, 2.2), width=0.035
    )
