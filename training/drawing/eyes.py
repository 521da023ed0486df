"""Eyes: the outline of the lids, iris with gradient and lights, lashes.

An eye is drawn in units of half its width and height, its outer corner on the right.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from training.drawing.colours import EYES, HAIR, WHITE, Colour, colour, ink, light, mix, shade
from training.drawing.curves import Points, ellipse, points, spline
from training.drawing.face import EYE_X, EYE_Y

if TYPE_CHECKING:
    from collections.abc import Mapping

    from training.drawing.character import Character
    from training.drawing.pen import Pen
    from training.drawing.pose import Pose


@dataclass(frozen=True, slots=True)
class EyeShape:
    """The form of an eye.

    Attributes:
        width: half its width in units of the head.
        height: half its height.
        slant: how far the outer corner is lowered; negative is raised.
        iris: half the width of the iris in units of the eye.
    """

    width: float
    height: float
    slant: float
    iris: float


EYE_SHAPES: Mapping[str, EyeShape] = MappingProxyType(
    {
        "round": EyeShape(0.27, 0.31, 0.0, 0.74),
        "wide": EyeShape(0.30, 0.29, -0.02, 0.68),
        "sharp": EyeShape(0.30, 0.26, -0.26, 0.66),
        "drooping": EyeShape(0.28, 0.28, 0.24, 0.72),
        "cool": EyeShape(0.30, 0.235, -0.10, 0.60),
    }
)

_LASH = colour("#33222e")
_SCLERA = colour("#fdfbfb")


def draw_eyes(pen: Pen, character: Character, pose: Pose) -> None:
    """Draw both eyes; the one turned away is narrower."""
    shape = EYE_SHAPES[character.eyes.shape]
    tints = (EYES[character.eyes.right], EYES[character.eyes.left])
    lash = mix(_LASH, ink(HAIR[character.hair.colour]), 0.35)
    for side, tint in zip((-1, 1), tints, strict=True):
        narrow = 1.0 + 0.10 * side * -pose.yaw
        width = shape.width * character.eyes.size * narrow
        height = shape.height * character.eyes.size
        x = EYE_X * side + 0.15 * pose.yaw
        eye = pen.moved(x, EYE_Y + 0.06 * pose.pitch, stretch=(side * width, height))
        _draw_eye(eye, shape, pose, side=side, tint=tint, lash=lash)


def _lids(shape: EyeShape, openness: float) -> tuple[Points, Points]:
    """Return the upper and the lower lid, each from the inner to the outer corner."""
    upper = points([(-1.0, 0.10), (-0.62, -0.66), (0.0, -1.0), (0.62, -0.80), (1.0, 0.0)])
    lower = points([(-0.84, 0.62), (-0.30, 0.98), (0.30, 0.98), (0.84, 0.55)])
    for lid in (upper, lower):
        lid[:, 1] += shape.slant * lid[:, 0]
    upper[:, 1] = 0.5 + (upper[:, 1] - 0.5) * openness
    return spline(upper, closed=False), spline(lower, closed=False)


def _draw_eye(
    pen: Pen, shape: EyeShape, pose: Pose, *, side: int, tint: Colour, lash: Colour
) -> None:
    upper, lower = _lids(shape, pose.expression.lid)
    opening = points([*upper, *lower[::-1]])
    with pen.inside(opening) as inner:
        inner.wash(shade(_SCLERA, 0.9), _SCLERA, start=-1.0, end=0.2)
        gaze = (0.14 * pose.gaze[0] * side, 0.08 * pose.gaze[1])
        _draw_iris(inner.moved(*gaze), shape.iris, tint, side=side)
    _draw_lashes(pen, upper, lower, lash)


def _draw_iris(pen: Pen, width: float, tint: Colour, *, side: int) -> None:
    deep = mix(shade(tint, 3.0), _LASH, 0.35)
    ring = ellipse((0.0, 0.06), (width, 0.96))
    pen.fill(ring, deep)
    pen.blend(ellipse((0.0, 0.10), (width * 0.88, 0.86)), shade(tint, 2.4), light(tint, 0.35))
    with pen.inside(ellipse((0.0, 0.10), (width * 0.88, 0.86))) as inner:
        inner.fill(ellipse((0.0, 0.82), (width * 0.72, 0.34)), light(tint, 0.55), alpha=0.7)
        inner.fill(ellipse((0.0, -0.75), (width * 1.1, 0.52)), deep, alpha=0.55)
    pen.fill(ellipse((0.0, 0.10), (width * 0.40, 0.42)), mix(deep, (30, 15, 25), 0.5))
    pen.fill(ellipse((-0.30 * side, -0.36), (0.26, 0.30)), WHITE)
    pen.fill(ellipse((0.26 * side, 0.52), (0.12, 0.13)), WHITE, alpha=0.9)


def _draw_lashes(pen: Pen, upper: Points, lower: Points, lash: Colour) -> None:
    pen.stroke(np.add(upper, (0.0, -0.03)), lash, width=0.26, taper=(0.25, 0.75))
    outer, inner = upper[-1], upper[-6]
    for reach, rise in ((0.26, -0.26), (0.20, -0.02)):
        corners = np.stack([inner, outer, outer])
        wing = np.add(corners, [(0.0, -0.05), (-0.02, 0.10), (reach, rise)])
        pen.fill(wing, lash)
    pen.stroke(lower[7:], lash, width=0.085, taper=(0.0, 0.6))
    lift = float(upper[:, 1].min())
    crease = [(-0.55, lift - 0.04), (0.05, lift - 0.28), (0.7, lift - 0.08)]
    pen.stroke(spline(crease, closed=False), lash, width=0.07, alpha=0.5)
