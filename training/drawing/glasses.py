"""Glasses, drawn below the eyes in units of the head."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from training.drawing.colours import WHITE, Colour, mix
from training.drawing.curves import Points, bend, ellipse, points, spline
from training.drawing.face import EYE_X, EYE_Y

if TYPE_CHECKING:
    from collections.abc import Mapping

    from training.drawing.pen import Pen
    from training.drawing.pose import Pose

# The rim of one lens around the origin.
GLASSES: Mapping[str, Points] = MappingProxyType(
    {
        "round": ellipse((0.0, 0.0), (0.36, 0.38)),
        "square": spline(
            [
                (-0.36, -0.24),
                (0.0, -0.29),
                (0.36, -0.26),
                (0.38, 0.0),
                (0.33, 0.29),
                (0.0, 0.33),
                (-0.33, 0.29),
                (-0.37, 0.0),
            ]
        ),
        "half": ellipse((0.0, -0.02), (0.36, 0.36), start=-5, end=185),
    }
)


def draw_glasses(pen: Pen, kind: str, tint: Colour, skin: Colour, pose: Pose) -> None:
    """Draw wire glasses: lenses, rims, bridge and the start of the temples.

    Args:
        pen: in the units of the head.
        kind: a name of `GLASSES`.
        tint: the colour of the frame.
        skin: the colour of the skin, which softens it: a hard rim hides an eye from detectors.
        pose: how far the head is turned.
    """
    shift, y = 0.17 * pose.yaw, EYE_Y + 0.04 + 0.06 * pose.pitch
    frame = mix(tint, skin, 0.4)
    for side in (-1, 1):
        x = EYE_X * side + shift
        lens = pen.moved(x, y, stretch=(1.0 - 0.08 * side * pose.yaw, 1.0))
        rim = GLASSES[kind]
        with lens.inside(rim, alpha=0.35) as inner:
            glare = [(-0.30, 0.4), (-0.02, -0.5), (0.12, -0.5), (-0.16, 0.4)]
            inner.fill(glare, WHITE)
        lens.line(rim, frame, width=0.024, closed=kind != "half")
        temple = points([(x + 0.36 * side, y - 0.06), (0.98 * side, y - 0.10)])
        pen.line(temple, frame, width=0.024)
    bridge = bend((shift - 0.09, y - 0.04), (shift, y - 0.11), (shift + 0.09, y - 0.04))
    pen.line(bridge, frame, width=0.024)
