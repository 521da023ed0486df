"""The back hair: one function a cut, drawn behind the head and in units of it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from training.drawing.colours import CLOTH, HAIR, ink, light, mix, shade
from training.drawing.curves import Point, bend, ellipse, points, spline, symmetric
from training.drawing.strands import Strands

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from training.drawing.character import Hair
    from training.drawing.pen import Pen
    from training.drawing.pose import Pose

# One side of spiky hair, from the temple down to the nape.
_SPIKES: Sequence[Point] = (
    (0.8, -0.9), (1.34, -0.86), (1.22, -0.50), (1.56, -0.34), (1.28, -0.02), (1.58, 0.26),
    (1.20, 0.40), (1.38, 0.82), (0.98, 0.76), (0.98, 1.14), (0.62, 0.92), (0.42, 1.2), (0.0, 0.9),
)  # fmt: skip


def draw_back(pen: Pen, hair: Hair, pose: Pose, *, accent: str) -> None:
    """Draw what hangs behind head and shoulders."""
    side = pen.moved(stretch=(-1, 1)) if hair.flipped else pen
    breeze = -pose.breeze if hair.flipped else pose.breeze
    CUTS[hair.cut](Strands(side, hair, breeze, CLOTH[accent]))


def _bowl(strands: Strands, *, end: float, width: float, flick: float, tips: int = 7) -> None:
    """Draw hair that surrounds the head and ends in a row of tips at y = end."""
    xs = np.linspace(width + flick, -width - flick, 2 * tips + 1)
    ys = end - np.where(np.arange(len(xs)) % 2, 0.17, 0.0) - 0.22 * (xs / width) ** 2 * (flick <= 0)
    left = [(-width, end * 0.45), (-1.20, -0.2)]
    top = [(-1.0, -0.95), (0.0, -1.38), (1.0, -0.95)]
    sides = spline([left[0], left[1], *top, (1.20, -0.2), (width, end * 0.45)], closed=False)
    strands.mass(points([*sides, *np.stack([xs, ys], axis=1)]))
    for x in np.linspace(-0.85, 0.85, 5):
        strands.strand(bend((x, 0.6), (x * 1.12, end * 0.7), (x * width, end - 0.15)))


def _long(strands: Strands, *, wave: float) -> None:
    end = 3.3 * strands.hair.length
    ys = np.linspace(0.3, end, 9)
    side = [(1.30 + 0.10 * np.sin(i * 0.6) + wave * (-1) ** i, y) for i, y in enumerate(ys)]
    half = [(0.0, -1.38), (1.0, -0.95), (1.20, -0.2), *side, (0.9, end + 0.45), (0.4, end + 0.15)]
    strands.mass(spline(symmetric(half)))
    for x in (-1.05, -0.7, 0.7, 1.05):
        path = spline([(x + wave * (-1) ** i, y) for i, y in enumerate(ys)], closed=False)
        strands.strand(path, width=0.05)
    strands.gloss(
        spline([(1.17 + wave * (-1) ** i, y) for i, y in enumerate(ys[1:6])], closed=False)
    )


def _tail(strands: Strands, path: list[Point], *, width: float) -> None:
    """Draw a bundle of hair that follows a path and ends in two points."""
    line = spline(path, closed=False)
    t = np.linspace(0, 1, len(line))
    normal = np.gradient(line, axis=0)[:, ::-1] * (-1, 1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    half = (width * np.sin(np.pi * np.clip(t * 0.92 + 0.10, 0, 1)) ** 0.6)[:, None] * normal
    split = line[-4] + half[-4] * 0.2
    strands.mass(points([*(line + half), split, *(line - half)[::-1]]), depth=0.3)
    strands.strand((line + half * 0.45)[3:-2])
    strands.strand((line - half * 0.5)[3:-3])
    strands.gloss((line + half * 0.05)[4 : len(line) // 2 + 2], width=0.09)


def _tie(strands: Strands, x: float, y: float) -> None:
    knot = ellipse((x, y), (0.15, 0.17), steps=24)
    strands.pen.paint(knot, strands.tie, edge=ink(strands.tie))


def _short(strands: Strands) -> None:
    _bowl(strands, end=0.95, width=1.16, flick=-0.18)


def _bob(strands: Strands) -> None:
    _bowl(strands, end=1.22, width=1.36, flick=-0.12)


def _flicked(strands: Strands) -> None:
    _bowl(strands, end=1.42, width=1.22, flick=0.26)


def _shoulder(strands: Strands) -> None:
    _bowl(strands, end=1.95, width=1.34, flick=0.0, tips=8)


def _straight(strands: Strands) -> None:
    _long(strands, wave=0.0)


def _wavy(strands: Strands) -> None:
    _long(strands, wave=0.11)


def _twintails(strands: Strands) -> None:
    reach = strands.hair.length
    for side in (strands, strands.mirrored()):
        path = [(0.85, -0.85), (1.55, -0.80), (1.85, 0.2), (1.75, 1.4 * reach), (1.95, 2.6 * reach)]
        _tail(side, path, width=0.40)
        _tie(side, 1.08, -0.86)
    _short(strands)


def _pigtails(strands: Strands) -> None:
    reach = strands.hair.length
    for side in (strands, strands.mirrored()):
        path = [(0.85, 0.75), (1.30, 0.95), (1.42, 1.6), (1.30, 2.5 * reach)]
        _tail(side, path, width=0.30)
        _tie(side, 1.10, 0.85)
    _short(strands)


def _ponytail(strands: Strands) -> None:
    reach = strands.hair.length
    path = [(0.35, -1.1), (1.15, -1.45), (1.75, -0.7), (1.70, 0.6), (1.85, 2.1 * reach)]
    _tail(strands, path, width=0.40)
    _tie(strands, 0.72, -1.32)
    _short(strands)


def _side_tail(strands: Strands) -> None:
    path = [(0.8, 0.2), (1.40, 0.15), (1.65, 0.9), (1.45, 2.2 * strands.hair.length)]
    _tail(strands, path, width=0.36)
    _tie(strands, 1.20, 0.14)
    _short(strands)


def _braids(strands: Strands) -> None:
    base = HAIR[strands.hair.colour]
    for side in (strands, strands.mirrored()):
        for i in range(round(6 * strands.hair.length)):
            lean = 0.05 if i % 2 else -0.05
            knot = side.pen.moved(1.20 + lean + 0.03 * i, 0.85 + 0.33 * i, angle=35 * np.sign(lean))
            lump = ellipse((0.0, 0.0), (0.27, 0.21), steps=24)
            tint = mix(shade(base, 0.3), HAIR[strands.hair.tips], i / 8)
            knot.paint(lump, tint, edge=ink(base))
            knot.stroke(
                bend((-0.14, -0.03), (0.0, 0.08), (0.16, 0.0)), shade(base, 1.5), width=0.04
            )
        _tie(side, 1.24 + 0.18 * strands.hair.length, 0.85 + 1.98 * strands.hair.length)
    _short(strands)


def _buns(strands: Strands) -> None:
    for side in (strands, strands.mirrored()):
        _bun(side, 0.88, -1.20, 0.44)
    _short(strands)


def _topknot(strands: Strands) -> None:
    _bun(strands, 0.0, -1.66, 0.46)
    _short(strands)


def _bun(strands: Strands, x: float, y: float, radius: float) -> None:
    ball = ellipse((x, y), (radius, radius * 0.94))
    strands.mass(ball, depth=0.2)
    curl = ellipse((x, y + 0.05), (radius * 0.5, radius * 0.45), start=-40, end=220)
    strands.strand(curl, width=0.06)
    strands.gloss(ellipse((x, y), (radius * 0.66, radius * 0.6), start=200, end=280), width=0.1)


def _drills(strands: Strands) -> None:
    base = HAIR[strands.hair.colour]
    for side in (strands, strands.mirrored()):
        for i in reversed(range(5)):
            size = 0.40 - 0.045 * i
            knot = side.pen.moved(1.32 - 0.02 * i, 0.35 + 0.42 * i * strands.hair.length, angle=-18)
            lump = spline(
                [
                    (-size, -0.12),
                    (0.0, -0.24),
                    (size, -0.12),
                    (size * 0.9, 0.2),
                    (0.0, 0.32),
                    (-size * 0.9, 0.2),
                ]
            )
            knot.blend(lump, light(base, 0.18), shade(base, 1.0))
            knot.line(lump, ink(base), width=0.035, closed=True)
    _short(strands)


def _spiky(strands: Strands) -> None:
    for side in (strands, strands.mirrored()):
        side.mass(points(_SPIKES), depth=0.35)
    angles = np.radians(np.linspace(-160, -20, 15))
    reach = np.where(np.arange(15) % 2, 1.60, 1.20) * strands.hair.volume
    tuft = np.stack([(np.cos(angles) + 0.10) * reach, np.sin(angles) * reach - 0.1], axis=1)
    strands.mass(points([*tuft, (0.9, 0.2), (-0.9, 0.2)]), depth=0.1)


CUTS: Mapping[str, Callable[[Strands], None]] = MappingProxyType(
    {
        "short": _short,
        "bob": _bob,
        "flicked": _flicked,
        "shoulder": _shoulder,
        "straight": _straight,
        "wavy": _wavy,
        "twintails": _twintails,
        "pigtails": _pigtails,
        "ponytail": _ponytail,
        "side_tail": _side_tail,
        "braids": _braids,
        "buns": _buns,
        "topknot": _topknot,
        "drills": _drills,
        "spiky": _spiky,
    }
)
