"""Ribbons, clips and flowers in the hair."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from training.drawing.colours import Colour, colour, ink, light, shade
from training.drawing.curves import bend, ellipse, spline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from training.drawing.pen import Pen

# What is worn, then where on the head and how large: x, y, angle, size.
RIBBONS: Mapping[str, tuple[str, Sequence[tuple[float, float, float, float]]]] = MappingProxyType(
    {
        "side_bow": ("bow", ((0.98, -0.72, 35, 0.42),)),
        "twin_bows": ("bow", ((-1.0, -0.72, -35, 0.36), (1.0, -0.72, 35, 0.36))),
        "crown_bow": ("bow", ((0.0, -1.46, 0, 0.62),)),
        "flower": ("flower", ((0.84, -0.80, 0, 0.30),)),
        "two_flowers": ("flower", ((-0.84, -0.80, 0, 0.25), (-0.98, -0.36, 0, 0.18))),
        "clip": ("clip", ((0.72, -0.52, 30, 0.30), (0.80, -0.34, 30, 0.30))),
        "star": ("star", ((-0.74, -0.62, -12, 0.25),)),
    }
)

_HEART = colour("#ffe9a0")


def draw_ribbon(pen: Pen, kind: str, tint: Colour) -> None:
    """Draw what is worn in the hair, in units of the head; kind is a name of `RIBBONS`."""
    thing, places = RIBBONS[kind]
    draw = {"bow": _bow, "flower": _flower, "clip": _clip, "star": _star}[thing]
    for x, y, angle, size in places:
        draw(pen.moved(x, y, angle=angle, stretch=(size, size)), tint)


def _bow(pen: Pen, tint: Colour) -> None:
    for side in (-1, 1):
        half = pen.moved(stretch=(side, 1))
        tail = [(0.05, 0.0), (0.75, 0.95), (0.42, 0.92), (0.30, 1.12), (-0.05, 0.2)]
        half.paint(tail, shade(tint, 0.7), edge=ink(tint), width=0.06)
        loop = spline(
            [(0.0, 0.0), (0.55, -0.62), (1.15, -0.62), (1.22, 0.1), (1.0, 0.52), (0.5, 0.3)]
        )
        half.paint(loop, tint, edge=ink(tint), width=0.06)
        half.fill(spline([(0.2, 0.0), (0.7, -0.2), (0.95, 0.1), (0.6, 0.16)]), shade(tint, 1.0))
        half.stroke(bend((0.5, -0.42), (0.85, -0.58), (1.05, -0.40)), light(tint, 0.5), width=0.1)
    pen.paint(
        ellipse((0.0, 0.0), (0.22, 0.26), steps=20), light(tint, 0.12), edge=ink(tint), width=0.06
    )


def _flower(pen: Pen, tint: Colour) -> None:
    for angle in range(0, 360, 72):
        petal = pen.moved(angle=angle)
        shape = spline(
            [(0.0, 0.0), (0.38, -0.42), (0.24, -0.98), (0.0, -0.86), (-0.24, -0.98), (-0.38, -0.42)]
        )
        petal.paint(shape, light(tint, 0.25), edge=ink(tint), width=0.08)
        petal.stroke(bend((0.0, -0.2), (0.02, -0.4), (0.0, -0.6)), shade(tint), width=0.08)
    pen.paint(ellipse((0.0, 0.0), (0.26, 0.26), steps=20), _HEART, edge=ink(_HEART), width=0.06)


def _clip(pen: Pen, tint: Colour) -> None:
    bar = spline(
        [(-0.9, -0.22), (0.9, -0.22), (1.02, 0.0), (0.9, 0.22), (-0.9, 0.22), (-1.02, 0.0)]
    )
    pen.paint(bar, light(tint, 0.1), edge=ink(tint), width=0.1)
    pen.stroke(bend((-0.7, -0.05), (0.0, -0.08), (0.7, -0.05)), light(tint, 0.7), width=0.12)


def _star(pen: Pen, tint: Colour) -> None:
    angles = np.radians(np.arange(10) * 36.0 - 90.0)
    reach = np.where(np.arange(10) % 2, 0.48, 1.05)
    shape = np.stack([np.cos(angles) * reach, np.sin(angles) * reach], axis=1)
    pen.paint(shape, light(tint, 0.15), edge=ink(tint), width=0.1)
