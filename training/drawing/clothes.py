"""Neck, shoulders and clothes.

The unit is that of the head; the origin is the middle of an upright head, the neck starts at its
chin and the collar bones lie near y = 1.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from training.drawing.colours import CLOTH, WHITE, Colour, ink, light, shade
from training.drawing.curves import PathLike, bend, ellipse, points, spline, symmetric

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from training.drawing.pen import Pen
    from training.drawing.pose import Pose

_TORSO = spline(
    symmetric(
        [(0.34, 1.36), (0.80, 1.54), (1.18, 1.74), (1.22, 2.4), (1.06, 3.2), (0.98, 4.0),
         (1.16, 5.0), (1.25, 5.6)]
    )
)  # fmt: skip
_SLEEVE = spline(
    [(0.95, 1.60), (1.28, 1.76), (1.52, 2.4), (1.68, 3.5), (1.66, 4.9), (1.22, 4.9), (1.22, 3.5),
     (1.06, 2.5)]
)  # fmt: skip
_HAND = spline([(1.26, 4.8), (1.62, 4.8), (1.64, 5.25), (1.46, 5.5), (1.28, 5.25)])
_SKIRT = spline(
    [(-1.0, 4.1), (1.0, 4.1), (1.5, 5.6), (1.9, 7.2), (0.9, 7.35), (0.0, 7.4), (-0.9, 7.35),
     (-1.9, 7.2), (-1.5, 5.6)]
)  # fmt: skip
_LEG = points([(0.14, 6.8), (0.86, 6.8), (0.72, 11.0), (0.22, 11.0)])


@dataclass(frozen=True, slots=True)
class Tailor:
    """A pen that knows the cloth it draws.

    Attributes:
        pen: in the units of the head, upright.
        main: the main colour.
        second: the colour of trimmings.
        skin: the colour of the skin.
        dark: 1 when the right of the picture lies in shadow, -1 for the left.
    """

    pen: Pen
    main: Colour
    second: Colour
    skin: Colour
    dark: int

    def piece(self, shape: PathLike, tint: Colour) -> None:
        """Draw a piece of cloth with its outline."""
        self.pen.paint(shape, tint, edge=ink(tint), width=0.04)

    def pair(self, shape: PathLike, tint: Colour) -> None:
        """Draw a piece and its mirror image."""
        for side in (-1, 1):
            self.piece(points(shape) * (side, 1.0), tint)

    def fold(self, path: PathLike, tint: Colour) -> None:
        """Draw a crease on both sides."""
        for side in (-1, 1):
            self.pen.stroke(points(path) * (side, 1.0), shade(tint, 1.5), width=0.05)


def draw_body(pen: Pen, pose: Pose, skin: Colour) -> None:
    """Draw everything below the chin; pen is upright and in units of the head."""
    main, second = (CLOTH[name] for name in pose.cloth)
    tailor = Tailor(pen, main, second, skin, -pose.lit_from)
    _draw_legs(tailor)
    _draw_neck(tailor)
    _draw_torso(tailor)
    OUTFITS[pose.outfit](tailor)


def _draw_legs(tailor: Tailor) -> None:
    tailor.pair(_LEG, tailor.skin)
    tailor.piece(_SKIRT, tailor.second)
    for x in (0.25, 0.75):
        tailor.fold(bend((x, 4.6), (x * 1.4, 5.8), (x * 1.8, 7.0)), tailor.second)


def _draw_neck(tailor: Tailor) -> None:
    skin = tailor.skin
    neck = symmetric([(0.28, 0.6), (0.28, 1.22), (0.42, 1.42), (0.9, 1.62), (0.5, 2.3)])
    with tailor.pen.inside(neck) as inner:
        inner.fill(neck, skin)
        inner.fill(spline([(-0.4, 0.5), (0.4, 0.5), (0.34, 1.20), (0.0, 1.36), (-0.34, 1.20)]),
                   shade(skin, 0.9))  # fmt: skip
    tailor.pen.line(neck[1:4], ink(skin), width=0.035)
    tailor.pen.line(neck[6:9], ink(skin), width=0.035)
    for side in (-1, 1):
        bone = bend((0.14 * side, 1.62), (0.3 * side, 1.56), (0.5 * side, 1.60))
        tailor.pen.stroke(bone, shade(skin, 1.3), width=0.04)


def _draw_torso(tailor: Tailor) -> None:
    main = tailor.main
    tailor.pair(_HAND, tailor.skin)
    with tailor.pen.inside(_TORSO) as inner:
        inner.wash(light(main, 0.06), shade(main, 0.3), start=1.4, end=4.5)
        flank = spline([(0.98, 1.2), (0.80, 2.2), (0.74, 3.2), (0.66, 5.8), (1.5, 5.8), (1.5, 1.2)])
        inner.fill(flank * (tailor.dark, 1.0), shade(main, 0.8))
    tailor.pen.line(_TORSO, ink(main), width=0.04, closed=True)
    tailor.pair(_SLEEVE, main)
    shadow = points(
        [(1.25, 2.1), (1.06, 2.5), (1.22, 3.5), (1.22, 4.85), (1.36, 4.85), (1.36, 3.3)]
    )
    tailor.pen.fill(shadow * (tailor.dark, 1.0), shade(main, 0.8))
    tailor.fold(bend((1.12, 2.45), (1.02, 2.2), (0.95, 2.05)), main)


def _opening(tailor: Tailor, *, depth: float, width: float = 0.42) -> None:
    """Show neck and chest above a neckline."""
    shape = points([*bend((-width, 1.40), (0.0, 1.40 + 2 * depth), (width, 1.40))])
    tailor.pen.fill(points([*shape, (0.28, 1.2), (-0.28, 1.2)]), tailor.skin)
    tailor.pen.fill(points([(-0.28, 1.18), (0.28, 1.18), (0.20, 1.30), (0.0, 1.38), (-0.20, 1.30)]),
                    shade(tailor.skin, 0.9))  # fmt: skip
    tailor.pen.line(shape, ink(tailor.main), width=0.035)


def _bow(tailor: Tailor, y: float, tint: Colour) -> None:
    tailor.pair(spline([(0.0, y), (0.42, y - 0.26), (0.54, y), (0.42, y + 0.24)]), tint)
    tailor.pair([(0.02, y + 0.05), (0.34, y + 0.72), (0.16, y + 0.66), (0.0, y + 0.2)], tint)
    tailor.piece(ellipse((0.0, y), (0.11, 0.13), steps=20), light(tint, 0.15))


def _sailor(tailor: Tailor) -> None:
    _opening(tailor, depth=0.42)
    collar = [(0.30, 1.32), (0.92, 1.56), (0.98, 2.02), (0.05, 2.32), (0.02, 2.22)]
    tailor.pair(collar, tailor.second)
    for side in (-1, 1):
        tailor.pen.line(
            points([(0.88, 1.60), (0.90, 1.96), (0.12, 2.22)]) * (side, 1), WHITE, width=0.035
        )
    _bow(tailor, 2.30, light(tailor.second, 0.25))


def _blazer(tailor: Tailor) -> None:
    tailor.piece([(-0.46, 1.42), (0.46, 1.42), (0.0, 3.2)], light(tailor.main, 0.92))
    tie = [
        (-0.12, 1.60),
        (0.12, 1.60),
        (0.07, 1.82),
        (0.17, 2.7),
        (0.0, 2.9),
        (-0.17, 2.7),
        (-0.07, 1.82),
    ]
    tailor.piece(tie, tailor.second)
    tailor.pair([(0.28, 1.30), (0.44, 1.38), (0.30, 1.86), (0.03, 1.58)], light(tailor.main, 0.95))
    lapel = [(0.42, 1.40), (0.66, 1.50), (0.74, 2.1), (0.58, 2.16), (0.62, 2.32), (0.02, 3.2)]
    tailor.pair(lapel, shade(tailor.main, 0.3))


def _hoodie(tailor: Tailor) -> None:
    _opening(tailor, depth=0.16)
    hood = [
        (0.30, 1.22),
        (0.72, 1.22),
        (1.02, 1.50),
        (0.66, 1.86),
        (0.0, 2.02),
        (0.0, 1.78),
        (0.36, 1.58),
    ]
    tailor.pair(spline(hood), tailor.main)
    for side in (-1, 1):
        tailor.pen.line(
            bend((0.26 * side, 1.86), (0.30 * side, 2.3), (0.24 * side, 2.7)), WHITE, width=0.06
        )
    tailor.piece(ellipse((0.0, 3.1), (0.34, 0.34)), tailor.second)


def _sweater(tailor: Tailor) -> None:
    roll = symmetric([(0.36, 1.08), (0.42, 1.25), (0.46, 1.50), (0.2, 1.62)])
    tailor.piece(roll, light(tailor.main, 0.12))
    for x in (-0.25, -0.08, 0.08, 0.25):
        tailor.pen.line([(x, 1.16), (x * 1.15, 1.54)], shade(tailor.main, 1.2), width=0.03)
    for y in (2.3, 2.62):
        tailor.pen.line(bend((-1.1, y), (0.0, y + 0.2), (1.1, y)), tailor.second, width=0.13)


def _kimono(tailor: Tailor) -> None:
    _opening(tailor, depth=0.30, width=0.38)
    flap = [(0.42, 1.32), (0.62, 1.40), (-0.30, 3.2), (-0.62, 3.2)]
    for side in (1, -1):
        tailor.piece(points(flap) * (side, 1.0), light(tailor.second, 0.55))
    tailor.piece([(-1.04, 3.05), (1.04, 3.05), (1.0, 4.0), (-1.0, 4.0)], tailor.second)
    tailor.pen.line([(-1.02, 3.5), (1.02, 3.5)], light(tailor.second, 0.5), width=0.10)
    for x, y in ((0.8, 2.1), (-0.85, 2.4), (0.72, 2.75)):
        for angle in range(0, 360, 72):
            petal = tailor.pen.moved(x, y, angle=angle)
            petal.fill(ellipse((0.0, -0.09), (0.06, 0.08), steps=12), light(tailor.main, 0.6))


def _dress(tailor: Tailor) -> None:
    _opening(tailor, depth=0.34, width=0.74)
    for i in range(-4, 5):
        lace = ellipse((0.185 * i, 1.76 - 0.021 * i * i), (0.12, 0.10), steps=16)
        tailor.piece(lace, light(tailor.second, 0.85))
    _bow(tailor, 1.98, tailor.second)


def _shirt(tailor: Tailor) -> None:
    _opening(tailor, depth=0.26)
    tailor.pair(
        [(0.30, 1.22), (0.62, 1.42), (0.46, 1.86), (0.04, 1.70), (0.24, 1.5)],
        light(tailor.main, 0.35),
    )
    tailor.pen.line([(0.0, 1.72), (0.0, 4.6)], shade(tailor.main, 1.3), width=0.03)
    for y in (2.05, 2.6, 3.15, 3.7):
        tailor.pen.fill(ellipse((0.06, y), (0.05, 0.05), steps=12), tailor.second)


def _coat(tailor: Tailor) -> None:
    scarf = spline(symmetric([(0.40, 1.08), (0.62, 1.22), (0.66, 1.50), (0.3, 1.74)]))
    tailor.pair(
        [(0.0, 1.9), (0.5, 1.7), (0.85, 1.62), (0.78, 2.2), (0.06, 2.5)], shade(tailor.main, 0.4)
    )
    tailor.pen.line([(0.0, 2.2), (0.0, 5.2)], shade(tailor.main, 1.6), width=0.04)
    tailor.piece([(0.10, 1.55), (0.44, 1.55), (0.52, 2.9), (0.20, 2.95)], shade(tailor.second, 0.4))
    tailor.piece(scarf, tailor.second)
    tailor.pen.stroke(
        bend((-0.52, 1.28), (0.0, 1.56), (0.55, 1.30)), shade(tailor.second, 1.2), width=0.05
    )


OUTFITS: Mapping[str, Callable[[Tailor], None]] = MappingProxyType(
    {
        "sailor": _sailor,
        "blazer": _blazer,
        "hoodie": _hoodie,
        "sweater": _sweater,
        "kimono": _kimono,
        "dress": _dress,
        "shirt": _shirt,
        "coat": _coat,
    }
)
