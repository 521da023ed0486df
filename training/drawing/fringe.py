"""The front hair: crown, fringe and the locks beside the face, with strands and shine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.drawing.colours import HAIR, Colour, ink, light, shade
from training.drawing.curves import Point, Points, bend, points, spline
from training.drawing.fringes import FRINGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.drawing.character import Hair
    from training.drawing.pen import Pen
    from training.drawing.pose import Pose

# The outline of the crown, from the right temple over the top to the left one.
_CROWN: Sequence[Point] = (
    (1.10, 0.30),
    (1.17, -0.12),
    (1.12, -0.62),
    (0.84, -1.12),
    (0.40, -1.40),
    (0.0, -1.46),
    (-0.40, -1.40),
    (-0.84, -1.12),
    (-1.12, -0.62),
    (-1.17, -0.12),
    (-1.10, 0.30),
)


def crown(hair: Hair) -> Points:
    """Return the outline of the crown, from the right temple over the top to the left one."""
    path = points(_CROWN)
    path[:, 0] *= 1.0 + 0.5 * (hair.volume - 1.0)
    path[:, 1] = 0.3 + (path[:, 1] - 0.3) * hair.volume
    return spline(path, closed=False)


def front(hair: Hair, pose: Pose) -> Points:
    """Return the closed outline of crown and fringe, in units of the head."""
    knots = _knots(hair, pose)
    edge = [crown(hair)]
    for i in range(len(knots) - 1):
        tip, notch = (knots[i], knots[i + 1]) if i % 2 == 0 else (knots[i + 1], knots[i])
        side = bend(notch, _belly(notch, tip), tip, steps=6)
        edge.append(side[::-1] if i % 2 == 0 else side)
    return points([point for piece in edge for point in piece])


def draw_front(pen: Pen, hair: Hair, pose: Pose) -> None:
    """Draw the locks beside the face, then crown and fringe over them."""
    base = HAIR[hair.colour]
    if hair.sides:
        for side in (-1, 1):
            _draw_side_lock(pen, hair, pose, side)
    shape = front(hair, pose)
    with pen.inside(shape) as inner:
        inner.wash(light(base, 0.07), shade(base, 0.25), start=-1.2, end=0.3)
        _shade_locks(inner, hair, pose, shade(base, 0.9))
        _draw_shine(inner, pose, light(base, 0.6))
    pen.line(shape, ink(base), width=0.035, closed=True)
    _draw_strands(pen, hair, pose, ink(base))
    if hair.sprout:
        _draw_sprout(pen, hair, base)


def _knots(hair: Hair, pose: Pose) -> list[Point]:
    flip = -1.0 if hair.flipped else 1.0
    line = FRINGES[hair.fringe]
    ordered = line if flip > 0 else line[::-1]
    # The fringe lies before the skull and turns with it; the temples stay.
    return [(x * flip + 0.13 * pose.yaw * (1 - x * x), y) for x, y in ordered]


def _belly(notch: Point, tip: Point) -> Point:
    return notch[0] + (tip[0] - notch[0]) * 0.10, notch[1] + (tip[1] - notch[1]) * 0.70


def _root(point: Point, pose: Pose) -> Point:
    return 0.10 * pose.yaw + point[0] * 0.22, -1.32


def _shade_locks(pen: Pen, hair: Hair, pose: Pose, tint: Colour) -> None:
    """Darken the side of every lock that faces away from the light."""
    knots = _knots(hair, pose)
    for i in range(1, len(knots) - 1, 2):
        notch = knots[i]
        tip = knots[i + 1] if pose.lit_from < 0 else knots[i - 1]
        root = _root(notch, pose)
        start = (root[0] + (notch[0] - root[0]) * 0.5, root[1] + (notch[1] - root[1]) * 0.4)
        middle = ((notch[0] * 0.75 + tip[0] * 0.25), notch[1] - 0.12)
        pen.fill(points([*bend(start, middle, tip), *bend(tip, _belly(notch, tip), notch)]), tint)


def _draw_shine(pen: Pen, pose: Pose, tint: Colour) -> None:
    """Draw the ring of light around the crown, jagged as hair breaks it."""
    centre = -0.12 * pose.lit_from * -1 + 0.12 * pose.yaw
    for left, right in ((-0.80, -0.34), (-0.26, 0.38), (0.47, 0.80)):
        count = max(3, round((right - left) / 0.085))
        xs = [left + (right - left) * i / count for i in range(count + 1)]
        upper = [(x + centre, -0.93 + 0.42 * x * x) for x in xs]
        lower = [
            (x + centre, -0.93 + 0.42 * x * x + (0.20 if i % 2 else 0.08) * (0 < i < count))
            for i, x in enumerate(xs)
        ]
        pen.fill(points([*upper, *lower[::-1]]), tint, alpha=0.75)


def _draw_strands(pen: Pen, hair: Hair, pose: Pose, tint: Colour) -> None:
    for notch in _knots(hair, pose)[1::2]:
        root = _root(notch, pose)
        start = (root[0] + (notch[0] - root[0]) * 0.45, root[1] + (notch[1] - root[1]) * 0.45)
        bow = (notch[0] * 1.06 - 0.02 * pose.yaw, (start[1] + notch[1]) / 2)
        pen.stroke(bend(start, bow, notch), tint, width=0.035, taper=(0.0, 1.0))


def _draw_side_lock(pen: Pen, hair: Hair, pose: Pose, side: int) -> None:
    base = HAIR[hair.colour]
    end = hair.sides
    blow = 0.12 * pose.breeze
    lock = pen.moved(-0.03 * pose.yaw, 0.0, stretch=(side, 1.0))
    outer = spline(
        [(1.13, -0.35), (1.17, 0.3), (1.10, end * 0.7), (0.90 + blow, end)], closed=False
    )
    inner = spline(
        [(0.90 + blow, end), (0.88, end * 0.65), (0.86, 0.2), (0.80, -0.40)], closed=False
    )
    shape = points([*outer, *inner])
    with lock.inside(shape) as wash:
        wash.wash(base, HAIR[hair.tips], start=0.3, end=max(end, 0.9))
        if side == -pose.lit_from:
            wash.fill(points([*(outer - (0.06, 0.0)), *outer[::-1]]), shade(base), alpha=0.8)
    lock.line(shape, ink(base), width=0.03, closed=True)
    strand = bend((1.0, 0.0), (1.03, end * 0.5), (0.92 + blow, end * 0.9))
    lock.stroke(strand, shade(base, 1.6), width=0.03)


def _draw_sprout(pen: Pen, hair: Hair, base: Colour) -> None:
    flip = -1 if hair.flipped else 1
    top = -1.40 * hair.volume + 0.3 * (hair.volume - 1)
    curl = spline(
        [
            (-0.10, top + 0.02),
            (-0.02, top - 0.26),
            (0.26, top - 0.42),
            (0.50, top - 0.30),
            (0.24, top - 0.28),
            (0.10, top - 0.16),
            (0.06, top + 0.03),
        ],
        closed=False,
    )
    pen.moved(stretch=(flip, 1)).fill(curl, base)
    pen.moved(stretch=(flip, 1)).line(curl, ink(base), width=0.03)
