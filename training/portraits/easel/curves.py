"""Curves of many faces at once: float32 (n, k, 2), columns x and y, y pointing down.

Anything may be given with n = 1 and is then the same for all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Paths = NDArray[np.float32]
    Numbers = NDArray[np.float32]

# The Catmull-Rom basis: rows are the weights of 1, t, t^2 and t^3 for four neighbouring points.
_CATMULL_ROM = 0.5 * np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]])


def paths(points: ArrayLike) -> Paths:
    """Give one path to all faces, or n paths as they are.

    Args:
        points: (k, 2) or (n, k, 2).

    Returns:
        float32 (1 or n, k, 2).
    """
    array = np.asarray(points, np.float32)
    return array[None] if array.ndim == 2 else array  # noqa: PLR2004  # one path


def points(*pairs: tuple[ArrayLike, ArrayLike]) -> Paths:
    """Put paths together from coordinates, each one number or one for every face.

    Args:
        pairs: k pairs of x and y, each a number or (n,).

    Returns:
        float32 (n, k, 2); n is 1 where all are numbers.
    """
    flat = np.broadcast_arrays(*(np.atleast_1d(value) for pair in pairs for value in pair))
    return np.stack(flat, axis=1).reshape(len(flat[0]), len(pairs), 2).astype(np.float32)


def spline(knots: ArrayLike, *, closed: bool = True, steps: int = 4) -> Paths:
    """Run smooth Catmull-Rom curves through every knot.

    Args:
        knots: (k, 2) or (n, k, 2), at least two.
        closed: whether a curve returns to its start.
        steps: points between two knots.

    Returns:
        float32 (n, k * steps, 2), and one point more where it is open.
    """
    through = paths(knots)
    ends = (through[:, -1:], through[:, :2]) if closed else (through[:, :1], through[:, -1:])
    padded = np.concatenate([ends[0], through, ends[1]], axis=1)
    windows = np.stack([padded[:, i : padded.shape[1] - 3 + i] for i in range(4)], axis=2)
    times = np.arange(steps) / steps
    weights = (times[:, None] ** np.arange(4) @ _CATMULL_ROM).astype(np.float32)
    curve = np.einsum("sk,npkd->npsd", weights, windows)
    curve = curve.reshape(len(through), steps * windows.shape[1], 2)
    pieces = (curve,) if closed else (curve, through[:, -1:])
    return np.concatenate(pieces, axis=1).astype(np.float32)


def bend(start: Paths, control: Paths, end: Paths, *, steps: int = 6) -> Paths:
    """Run quadratic Bezier curves, both ends included.

    Args:
        start: (n, 1, 2), as `points` gives for one pair.
        control: the same.
        end: the same.
        steps: pieces.

    Returns:
        float32 (n, steps + 1, 2).
    """
    t = np.linspace(0.0, 1.0, steps + 1, dtype=np.float32)[None, :, None]
    curve: Paths = (1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end
    return curve


def ellipse(
    x: ArrayLike,
    y: ArrayLike,
    width: ArrayLike,
    height: ArrayLike,
    *,
    start: float = 0.0,
    end: float = 360.0,
    steps: int = 16,
) -> Paths:
    """Run arcs of ellipses; angles in degrees, clockwise on the screen from the right.

    Args:
        x: the centre, a number or (n,).
        y: the same.
        width: half the width, a number or (n,).
        height: half the height.
        start: the first angle.
        end: the last angle.
        steps: pieces.

    Returns:
        float32 (n, steps + 1, 2).
    """
    angles = np.radians(np.linspace(start, end, steps + 1, dtype=np.float32))[None]
    x, y, width, height = (np.atleast_1d(np.asarray(v, np.float32))[:, None]
                           for v in (x, y, width, height))  # fmt: skip
    return np.stack(np.broadcast_arrays(x + width * np.cos(angles), y + height * np.sin(angles)), 2)


def moved(
    path: ArrayLike,
    x: ArrayLike = 0.0,
    y: ArrayLike = 0.0,
    *,
    angle: ArrayLike = 0.0,
    stretch: tuple[ArrayLike, ArrayLike] = (1.0, 1.0),
) -> Paths:
    """Stretch paths, then turn them clockwise by degrees, then put their origin at (x, y).

    Args:
        path: (k, 2) or (n, k, 2).
        x: a number or (n,), as all that follows.
        y: the same.
        angle: degrees.
        stretch: factors of width and height.

    Returns:
        float32 (n, k, 2).
    """
    x, y, angle, wide, high = (
        np.atleast_1d(np.asarray(v, np.float32))[:, None] for v in (x, y, angle, *stretch)
    )
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    given = paths(path)
    px, py = given[..., 0] * wide, given[..., 1] * high
    return np.stack(np.broadcast_arrays(cos * px - sin * py + x, sin * px + cos * py + y), 2)


def joined(*pieces: Paths) -> Paths:
    """Put pieces of paths one after another.

    Args:
        pieces: (1 or n, k_i, 2).

    Returns:
        float32 (n, sum of k_i, 2).
    """
    count = max(len(piece) for piece in pieces)
    return np.concatenate([np.broadcast_to(p, (count, *p.shape[1:])) for p in pieces], axis=1)


def mirrored(path: Paths) -> Paths:
    """Reflect paths left to right, in reverse order so that halves can be joined."""
    return path[:, ::-1] * np.array([-1.0, 1.0], np.float32)


def brush(path: Paths, *, width: ArrayLike, taper: tuple[float, float] = (0.0, 0.0)) -> Paths:
    """Outline brush strokes along paths.

    Args:
        path: (n, k, 2), already smooth, k at least 2.
        width: full width at the middle, a number or (n,).
        taper: the share of the width at the first and at the last point.

    Returns:
        float32 (n, 2 * k, 2).
    """
    t = np.linspace(0.0, 1.0, path.shape[1], dtype=np.float32)
    ends = np.where(t < 0.5, *taper)  # noqa: PLR2004  # the middle
    swell = np.maximum(np.sin(np.pi * t).clip(0) ** 0.7, ends)
    half = np.atleast_1d(np.asarray(width, np.float32))[:, None] / 2 * swell[None]
    tangent = np.gradient(path, axis=1)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=2, keepdims=True), 1e-6)
    normal = np.stack([-tangent[..., 1], tangent[..., 0]], axis=2) * half[..., None]
    return np.concatenate([path + normal, (path - normal)[:, ::-1]], axis=1).astype(np.float32)


def grown(path: Paths, by: ArrayLike) -> Paths:
    """Move closed outlines outwards, or inwards where the distance is negative.

    An outline filled below its shape is a line that costs a seventh of one drawn by OpenCV.

    Args:
        path: (n, k, 2), smooth, in either direction.
        by: the distance, a number or (n,).

    Returns:
        float32 (n, k, 2).
    """
    after, before = np.roll(path, -1, axis=1), np.roll(path, 1, axis=1)
    tangent = after - before
    tangent /= np.maximum(np.linalg.norm(tangent, axis=2, keepdims=True), 1e-6)
    turns = np.sum(path[..., 0] * after[..., 1] - path[..., 1] * after[..., 0], axis=1)
    distance = np.sign(turns)[:, None] * np.atleast_1d(np.asarray(by, np.float32))[:, None]
    normal = np.stack([tangent[..., 1], -tangent[..., 0]], axis=2)
    moved_out: Paths = (path + normal * distance[..., None]).astype(np.float32)
    return moved_out
