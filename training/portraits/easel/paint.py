"""Painting one picture: marks in pixels, one after another, by OpenCV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

# The kind of a mark, and what follows it in the tuple.
FILL = 0  # path, colour
ALPHA = 1  # path, colour, alpha
LINE = 2  # path, colour, closed, thickness
OPEN = 3  # nothing: what follows is kept inside ...
CLIP = 4  # ... these paths
GLOW = 5  # x, y, radius, colour, alpha

Mark = tuple[Any, ...]

# The weight of a soft spot by the square of the distance from its middle.
_GRID = np.linspace(-1.0, 1.0, 64, dtype=np.float32) ** 2
_WEIGHTS = 255 * np.clip(1.0 - np.add.outer(_GRID, _GRID), 0.0, 1.0) ** 2
_SPOT = np.repeat(np.rint(_WEIGHTS).astype(np.uint8)[:, :, None], 3, axis=2)


def paint(canvas: Pixels, marks: Sequence[Mark], *, shift: int, edges: int = cv2.LINE_AA) -> Pixels:
    """Draw marks on a picture.

    Args:
        canvas: uint8 (h, w, 3); drawn upon.
        marks: tuples that begin with a kind.
        shift: fixed-point bits of the paths.
        edges: how OpenCV draws them: LINE_8 is quicker, and no worse where the canvas is to be
            averaged down.

    Returns:
        The canvas.
    """
    below: list[Pixels] = []
    for mark in marks:
        kind = mark[0]
        if kind == FILL:
            cv2.fillPoly(canvas, [mark[1]], mark[2], edges, shift)
        elif kind == LINE:
            cv2.polylines(canvas, [mark[1]], mark[3], mark[2], mark[4], edges, shift)
        elif kind == ALPHA:
            _blend(canvas, *mark[1:], shift=shift, edges=edges)
        elif kind == OPEN:
            below.append(canvas)
            canvas = canvas.copy()
        elif kind == CLIP:
            # Edges are not smoothed here: an outline, or averaging, does that.
            mask = np.zeros(canvas.shape[:2], np.uint8)
            # One by one, as shapes that overlap would cancel each other.
            for path in mark[1]:
                cv2.fillPoly(mask, [path], (255,), cv2.LINE_8, shift)
            canvas = np.asarray(cv2.copyTo(canvas, mask, below.pop()), np.uint8)
        else:
            _glow(canvas, *mark[1:])
    return canvas


def _blend(
    canvas: Pixels,
    path: NDArray[np.int32],
    colour: Sequence[float],
    alpha: float,
    *,
    shift: int,
    edges: int,
) -> None:
    height, width = canvas.shape[:2]
    (x0, y0), (x1, y1) = path.min(axis=0) >> shift, path.max(axis=0) >> shift
    x0, y0, x1, y1 = max(0, x0 - 1), max(0, y0 - 1), min(width, x1 + 2), min(height, y1 + 2)
    if x0 >= x1 or y0 >= y1:
        return
    view = canvas[y0:y1, x0:x1]
    before = view.copy()
    offset = (-int(x0), -int(y0))
    cv2.fillPoly(view, [path + (np.array(offset, np.int32) << shift)], colour, edges, shift)
    cv2.addWeighted(view, alpha, before, 1.0 - alpha, 0.0, view)


def _glow(
    canvas: Pixels, x: float, y: float, radius: float, colour: Sequence[float], alpha: float
) -> None:
    height, width = canvas.shape[:2]
    if radius < 1.0:
        return
    left, top, side = round(x - radius), round(y - radius), max(2, round(2 * radius))
    x0, y0, x1, y1 = max(0, left), max(0, top), min(width, left + side), min(height, top + side)
    if x0 >= x1 or y0 >= y1:
        return
    spot = cv2.resize(_SPOT, (side, side), interpolation=cv2.INTER_LINEAR)
    weight = cv2.convertScaleAbs(spot[y0 - top : y1 - top, x0 - left : x1 - left], alpha=alpha)
    view = canvas[y0:y1, x0:x1]
    # In bytes, which is several times faster than in numbers with a fraction.
    added = cv2.multiply(weight, np.array([*colour, 0.0]), scale=1 / 255)
    kept = cv2.multiply(view, cv2.bitwise_not(weight), scale=1 / 255)
    cv2.add(kept, added, view)
