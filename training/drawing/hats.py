"""Hats, one function each, on a head whose crown ends near y = -1.46."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.drawing.colours import WHITE, Colour, colour, ink, light, shade
from training.drawing.curves import PathLike, bend, ellipse, points, spline

if TYPE_CHECKING:
    from training.drawing.pen import Pen

GOLD = colour("#f0c244")
_STRAW = colour("#ecd08c")


def cloth(pen: Pen, shape: PathLike, tint: Colour, shadow: PathLike) -> None:
    """Fill a shape and its shadow, which is kept inside it, and draw the outline."""
    with pen.inside(shape) as inner:
        inner.fill(shape, tint)
        inner.fill(shadow, shade(tint, 0.9))
    pen.line(shape, ink(tint), width=0.04, closed=True)


def beret(pen: Pen, tint: Colour, _hair: Colour) -> None:
    """Draw a beret."""
    hat = pen.moved(0.12, -1.08, angle=9)
    puff = spline(
        [
            (-1.12, 0.12),
            (-1.22, -0.28),
            (-0.6, -0.72),
            (0.35, -0.78),
            (1.22, -0.36),
            (1.26, 0.10),
            (0.6, 0.02),
            (-0.5, 0.0),
        ]
    )
    cloth(hat, puff, tint, ellipse((0.5, 0.2), (1.3, 0.42)))
    hat.stroke(bend((-0.7, -0.42), (0.0, -0.72), (0.6, -0.55)), light(tint, 0.35), width=0.09)
    hat.paint(
        spline([(0.0, -0.72), (0.05, -0.95), (0.15, -0.94), (0.13, -0.72)]), tint, edge=ink(tint)
    )


def cap(pen: Pen, tint: Colour, _hair: Colour) -> None:
    """Draw a peaked cap."""
    dome = points(
        [*ellipse((0.0, -0.78), (1.17, 0.88), start=180, end=360), (0.6, -0.86), (-0.6, -0.86)]
    )
    cloth(pen, dome, tint, [(0.45, -1.8), (1.3, -1.8), (1.3, -0.5), (0.72, -0.5)])
    pen.line(bend((0.0, -1.64), (0.03, -1.2), (0.0, -0.88)), shade(tint, 1.4), width=0.025)
    visor = spline(
        [
            (-0.98, -0.84),
            (-0.5, -0.98),
            (0.5, -0.98),
            (0.98, -0.84),
            (0.75, -0.62),
            (0.0, -0.54),
            (-0.75, -0.62),
        ]
    )
    cloth(pen, visor, shade(tint, 0.35), ellipse((0.0, -0.98), (1.1, 0.22)))
    pen.fill(ellipse((0.0, -1.66), (0.10, 0.06), steps=16), shade(tint))
    pen.paint(ellipse((0.0, -1.20), (0.20, 0.17), steps=24), light(tint, 0.75), edge=ink(tint))


def straw(pen: Pen, tint: Colour, _hair: Colour) -> None:
    """Draw a straw hat."""
    brim = ellipse((0.0, -0.92), (1.95, 0.40))
    cloth(pen, brim, _STRAW, ellipse((0.0, -0.66), (1.7, 0.20)))
    dome = points(
        [
            *ellipse((0.0, -1.0), (0.98, 0.88), start=180, end=360),
            *bend((0.98, -1.0), (0.0, -0.70), (-0.98, -1.0)),
        ]
    )
    cloth(pen, dome, light(_STRAW, 0.15), [(0.4, -2.0), (1.2, -2.0), (1.2, -0.6), (0.6, -0.6)])
    band = points(
        [
            *bend((-1.0, -1.14), (0.0, -0.86), (1.0, -1.14)),
            *bend((0.98, -0.98), (0.0, -0.68), (-0.98, -0.98)),
        ]
    )
    pen.paint(band, tint, edge=ink(tint))


def witch(pen: Pen, tint: Colour, _hair: Colour) -> None:
    """Draw a witch's hat."""
    cone = spline(
        [
            (-0.88, -0.98),
            (-0.55, -1.7),
            (-0.1, -2.4),
            (0.55, -2.62),
            (0.30, -2.2),
            (0.62, -1.6),
            (0.88, -0.98),
            (0.0, -0.82),
        ]
    )
    cloth(pen, cone, tint, [(0.1, -2.6), (0.7, -2.6), (1.1, -0.8), (0.45, -0.8)])
    brim = spline(
        [
            (-1.75, -0.72),
            (-0.8, -1.12),
            (0.8, -1.12),
            (1.75, -0.72),
            (0.8, -0.72),
            (0.0, -0.76),
            (-0.8, -0.72),
        ]
    )
    cloth(pen, brim, tint, ellipse((0.0, -1.12), (1.2, 0.18)))
    band = points(
        [
            *bend((-0.82, -1.22), (0.0, -1.02), (0.80, -1.22)),
            *bend((0.86, -1.04), (0.0, -0.84), (-0.88, -1.04)),
        ]
    )
    pen.paint(band, GOLD, edge=ink(GOLD))


def santa(pen: Pen, tint: Colour, _hair: Colour) -> None:
    """Draw a bobble hat with a fur band."""
    sack = spline(
        [
            (-1.0, -0.92),
            (-0.75, -1.55),
            (0.0, -1.95),
            (0.85, -1.75),
            (1.45, -1.0),
            (1.50, -0.62),
            (1.28, -0.78),
            (1.0, -0.92),
            (0.0, -0.95),
        ]
    )
    cloth(pen, sack, tint, ellipse((0.75, -0.75), (0.75, 0.5)))
    pen.paint(ellipse((1.46, -0.52), (0.25, 0.25)), light(_STRAW, 0.9), edge=ink(_STRAW))
    band = spline(
        [
            (-1.14, -0.72),
            (-0.9, -1.02),
            (0.0, -1.10),
            (0.9, -1.02),
            (1.14, -0.72),
            (0.85, -0.66),
            (0.0, -0.84),
            (-0.85, -0.66),
        ]
    )
    pen.paint(band, light(_STRAW, 0.9), edge=ink(_STRAW))


def sailor(pen: Pen, tint: Colour, _hair: Colour) -> None:
    """Draw a sailor's hat."""
    hat = pen.moved(0.0, -1.22, angle=-6)
    top = ellipse((0.0, -0.30), (1.06, 0.34))
    cloth(hat, top, light(tint, 0.92), ellipse((0.0, -0.02), (0.9, 0.2)))
    band = points(
        [
            *bend((-0.86, -0.26), (0.0, -0.02), (0.86, -0.26)),
            *bend((0.92, 0.06), (0.0, 0.32), (-0.92, 0.06)),
        ]
    )
    hat.paint(band, tint, edge=ink(tint))
    hat.line(bend((-0.88, -0.10), (0.0, 0.14), (0.88, -0.10)), WHITE, width=0.05)
