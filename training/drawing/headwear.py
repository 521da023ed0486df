"""What is worn on a head, by name; ears, bands and small caps are drawn here.

The crown of the head ends near y = -1.46.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from training.drawing.colours import WHITE, Colour, colour, ink, light
from training.drawing.curves import bend, ellipse, points, spline
from training.drawing.hats import GOLD, beret, cap, cloth, sailor, santa, straw, witch
from training.drawing.ribbons import draw_ribbon

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from training.drawing.pen import Pen


_STEEL = colour("#4a4d5c")
_INNER_EAR = colour("#f7c3c8")


def draw_headwear(pen: Pen, kind: str, tint: Colour, hair: Colour) -> None:
    """Draw headwear.

    Args:
        pen: in the units of the head.
        kind: a name of `HEADWEAR`.
        tint: the colour of the cloth.
        hair: the colour of the hair, which animal ears share.
    """
    HEADWEAR[kind](pen, tint, hair)


def _tiara(pen: Pen, tint: Colour, _hair: Colour) -> None:
    peaks = [
        (-0.72, -1.10),
        (-0.66, -1.50),
        (-0.42, -1.34),
        (-0.24, -1.70),
        (0.0, -1.44),
        (0.24, -1.70),
        (0.42, -1.34),
        (0.66, -1.50),
        (0.72, -1.10),
    ]
    cloth(
        pen,
        points([*peaks, *bend((0.72, -1.10), (0.0, -0.98), (-0.72, -1.10))]),
        GOLD,
        [(0.3, -1.8), (1, -1.8), (1, -1), (0.4, -1)],
    )
    for x, y in ((-0.42, -1.18), (0.0, -1.18), (0.42, -1.18)):
        pen.paint(ellipse((x, y), (0.09, 0.10), steps=16), tint, edge=ink(tint), width=0.025)


def _cat(pen: Pen, _tint: Colour, hair: Colour) -> None:
    for side in (-1, 1):
        ear = pen.moved(0.72 * side, -1.10, stretch=(side, 1))
        shape = spline(
            [
                (-0.36, -0.18),
                (-0.10, -0.52),
                (0.26, -0.88),
                (0.40, -0.45),
                (0.36, 0.20),
                (0.0, 0.12),
            ]
        )
        ear.paint(shape, hair, edge=ink(hair), width=0.045)
        ear.fill(
            spline([(-0.12, -0.16), (0.05, -0.42), (0.22, -0.64), (0.28, -0.3), (0.24, 0.02)]),
            _INNER_EAR,
        )


def _bunny(pen: Pen, tint: Colour, _hair: Colour) -> None:
    fur = light(tint, 0.8)
    for side in (-1, 1):
        ear = pen.moved(0.42 * side, -1.32, angle=12 * side)
        ear.paint(
            spline([(-0.20, 0.1), (-0.28, -0.7), (0.0, -1.30), (0.28, -0.7), (0.20, 0.1)]),
            fur,
            edge=ink(fur),
            width=0.045,
        )
        ear.fill(
            spline([(-0.09, -0.1), (-0.14, -0.65), (0.0, -1.0), (0.14, -0.65), (0.09, -0.1)]),
            _INNER_EAR,
        )
    _band(pen, tint, _hair)


def _band(pen: Pen, tint: Colour, _hair: Colour) -> None:
    arc = points(
        [
            *ellipse((0.0, -0.22), (1.15, 1.16), start=200, end=340),
            *ellipse((0.0, -0.08), (1.13, 1.16), start=340, end=200),
        ]
    )
    pen.paint(arc, tint, edge=ink(tint))


def _maid(pen: Pen, tint: Colour, hair: Colour) -> None:
    for angle in range(-60, 61, 15):
        frill = pen.moved(0.0, -0.22, angle=angle).moved(0.0, -1.26)
        frill.paint(ellipse((0.0, 0.0), (0.20, 0.17), steps=20), WHITE, edge=ink(tint), width=0.03)
    _band(pen, tint, hair)


def _headphones(pen: Pen, tint: Colour, _hair: Colour) -> None:
    pen.line(ellipse((0.0, -0.05), (1.22, 1.48), start=190, end=350), _STEEL, width=0.11)
    for side in (-1, 1):
        cup = pen.moved(1.20 * side, 0.10)
        cup.paint(ellipse((0.0, 0.0), (0.19, 0.33)), tint, edge=ink(tint), width=0.05)
        cup.fill(ellipse((0.04 * side, -0.02), (0.08, 0.18)), light(tint, 0.45))


def _nurse(pen: Pen, tint: Colour, _hair: Colour) -> None:
    cap = spline(
        [(-0.62, -1.06), (-0.76, -1.52), (0.0, -1.72), (0.76, -1.52), (0.62, -1.06), (0.0, -1.16)]
    )
    cloth(pen, cap, light(tint, 0.9), [(0.3, -1.8), (1, -1.8), (1, -1), (0.4, -1)])
    for shape in (
        [(-0.05, -1.55), (0.05, -1.55), (0.05, -1.27), (-0.05, -1.27)],
        [(-0.14, -1.46), (0.14, -1.46), (0.14, -1.36), (-0.14, -1.36)],
    ):
        pen.fill(shape, tint)


def _hairband_bow(pen: Pen, tint: Colour, hair: Colour) -> None:
    _band(pen, tint, hair)
    draw_ribbon(pen, "crown_bow", tint)


HEADWEAR: Mapping[str, Callable[[Pen, Colour, Colour], None]] = MappingProxyType(
    {
        "beret": beret,
        "cap": cap,
        "straw_hat": straw,
        "witch_hat": witch,
        "santa_hat": santa,
        "sailor_hat": sailor,
        "tiara": _tiara,
        "cat_ears": _cat,
        "bunny_ears": _bunny,
        "headband": _band,
        "maid_frill": _maid,
        "headphones": _headphones,
        "nurse_cap": _nurse,
        "bow_band": _hairband_bow,
    }
)
