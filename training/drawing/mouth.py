"""Mouths, one function each; drawn around the origin in units of the head."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from training.drawing.colours import Colour, colour
from training.drawing.curves import Points, bend, ellipse, points, spline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from training.drawing.pen import Pen

_LINE = colour("#8a3b3d")
_INSIDE = colour("#a83a44")
_TONGUE = colour("#f08a88")
_TEETH = colour("#fff8f4")


def draw_mouth(pen: Pen, kind: str, *, fang: bool) -> None:
    """Draw a mouth.

    Args:
        pen: its origin at the middle of the mouth.
        kind: a name of `MOUTHS`.
        fang: whether a tooth shows.
    """
    MOUTHS[kind](pen)
    if fang:
        pen.paint([(0.07, -0.005), (0.13, -0.015), (0.10, 0.06)], _TEETH, edge=_LINE, width=0.012)


def _stroke(pen: Pen, path: Points, tint: Colour = _LINE) -> None:
    pen.stroke(path, tint, width=0.045, taper=(0.35, 0.35))


def _smile(pen: Pen) -> None:
    _stroke(pen, bend((-0.15, -0.01), (0.0, 0.08), (0.15, -0.01)))


def _frown(pen: Pen) -> None:
    _stroke(pen, bend((-0.13, 0.03), (0.0, -0.05), (0.13, 0.03)))


def _flat(pen: Pen) -> None:
    _stroke(pen, bend((-0.11, 0.0), (0.0, 0.01), (0.11, 0.0)))


def _wavy(pen: Pen) -> None:
    wave = [(-0.16, 0.0), (-0.09, -0.025), (-0.03, 0.02), (0.04, -0.02), (0.10, 0.02), (0.16, 0.0)]
    _stroke(pen, spline(wave, closed=False))


def _cat(pen: Pen) -> None:
    for side in (-1, 1):
        _stroke(pen, bend((0.17 * side, -0.035), (0.11 * side, 0.08), (0.0, 0.0)))


def _cavity(pen: Pen, shape: Points, *, tongue: float) -> None:
    with pen.inside(shape) as inner:
        inner.fill(shape, _INSIDE)
        inner.fill(ellipse((0.0, tongue), (0.12, 0.07)), _TONGUE)
    pen.line(shape, _LINE, width=0.025, closed=True)


def _open(pen: Pen) -> None:
    lip = bend((-0.15, -0.03), (0.0, 0.0), (0.15, -0.03))
    jaw = bend((0.15, -0.03), (0.0, 0.26), (-0.15, -0.03))
    _cavity(pen, points([*lip, *jaw]), tongue=0.13)


def _wide(pen: Pen) -> None:
    lip = bend((-0.21, -0.06), (0.0, -0.01), (0.21, -0.06))
    jaw = bend((0.21, -0.06), (0.0, 0.36), (-0.21, -0.06))
    _cavity(pen, points([*lip, *jaw]), tongue=0.17)
    pen.fill([(-0.14, -0.028), (0.14, -0.028), (0.11, 0.01), (-0.11, 0.01)], _TEETH)


def _round(pen: Pen) -> None:
    _cavity(pen, ellipse((0.0, 0.02), (0.07, 0.09), steps=20), tongue=0.11)


def _small(pen: Pen) -> None:
    lip = bend((-0.08, -0.01), (0.0, -0.03), (0.08, -0.01))
    jaw = bend((0.08, -0.01), (0.0, 0.15), (-0.08, -0.01))
    _cavity(pen, points([*lip, *jaw]), tongue=0.09)


MOUTHS: Mapping[str, Callable[[Pen], None]] = MappingProxyType(
    {
        "smile": _smile,
        "frown": _frown,
        "flat": _flat,
        "wavy": _wavy,
        "cat": _cat,
        "open": _open,
        "wide": _wide,
        "round": _round,
        "small": _small,
    }
)
