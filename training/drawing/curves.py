"""Curves as point lists: shape (n, 2), float64, columns x and y, y pointing down."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
Point = tuple[float, float]
PathLike = Sequence[Point] | Points

# The Catmull-Rom basis: rows are the weights of 1, t, t^2 and t^3 for four neighbouring points.
_CATMULL_ROM = 0.5 * np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]])


def points(path: PathLike) -> Points:
    """Return a path as an array of shape (n, 2)."""
    return np.asarray(path, dtype=np.float64).reshape(-1, 2)


def spline(path: PathLike, *, closed: bool = True, steps: int = 6) -> Points:
    """Return a smooth Catmull-Rom curve that runs through every point of the path.

    Args:
        path: at least two points.
        closed: whether the curve returns to its start.
        steps: points drawn for each piece between two given points.
    """
    knots = points(path)
    ends = (knots[-1:], knots[:2]) if closed else (knots[:1], knots[-1:])
    padded = np.concatenate([ends[0], knots, ends[1]])
    windows = np.stack([padded[i : len(padded) - 3 + i] for i in range(4)], axis=1)
    times = np.arange(steps) / steps
    powers = times[:, None] ** np.arange(4)
    curve = np.einsum("sp,pk,nkd->nsd", powers, _CATMULL_ROM, windows).reshape(-1, 2)
    return curve if closed else np.concatenate([curve, knots[-1:]])


def bend(start: Point, control: Point, end: Point, *, steps: int = 8) -> Points:
    """Return a quadratic Bezier curve, both ends included."""
    t = np.linspace(0.0, 1.0, steps + 1)[:, None]
    first, middle, last = (np.asarray(p, dtype=np.float64) for p in (start, control, end))
    return points((1 - t) ** 2 * first + 2 * t * (1 - t) * middle + t**2 * last)


def ellipse(
    centre: Point,
    radii: Point,
    *,
    start: float = 0.0,
    end: float = 360.0,
    steps: int = 40,
) -> Points:
    """Return an arc of an ellipse; angles in degrees, clockwise on the screen from the right."""
    angles = np.radians(np.linspace(start, end, steps + 1))
    return np.stack(
        [centre[0] + radii[0] * np.cos(angles), centre[1] + radii[1] * np.sin(angles)], axis=1
    )


def mirrored(path: PathLike) -> Points:
    """Return the path reflected left to right, in reverse order so that halves can be joined."""
    return points(path)[::-1] * (-1.0, 1.0)


def symmetric(half: PathLike) -> Points:
    """Return a half followed by its mirror image; the half runs from top to bottom or back."""
    return np.concatenate([points(half), mirrored(half)])


def brush(path: PathLike, *, width: float, taper: tuple[float, float] = (0.0, 0.0)) -> Points:
    """Return the outline of a brush stroke along a path.

    Args:
        path: at least two points, already smooth.
        width: full width at the middle of the stroke.
        taper: the share of the width at the first and at the last point.
    """
    line = points(path)
    t = np.linspace(0.0, 1.0, len(line))
    swell = np.sin(np.pi * t) ** 0.7
    half = width / 2 * np.maximum(swell, np.where(t < 0.5, *taper))  # noqa: PLR2004 - the middle
    tangent = np.gradient(line, axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1) * half[:, None]
    return np.concatenate([line + normal, (line - normal)[::-1]])
