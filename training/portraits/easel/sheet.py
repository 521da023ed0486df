"""A sheet: many pictures drawn at once, mark by mark.

Curves are computed for all pictures together, which NumPy is fast at; only then each picture is
painted by OpenCV, mark after mark.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from training.portraits.easel.curves import brush, grown
from training.portraits.easel.paint import ALPHA, CLIP, FILL, GLOW, LINE, OPEN, Mark, paint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from training.portraits.easel.curves import Paths

# Fixed-point bits of the coordinates given to OpenCV: an eighth of a pixel.
SHIFT = 3


class Sheet:
    """Records what is to be drawn on n pictures, and draws it.

    Every method takes `rows`, int (m,): the pictures that get the mark, by default all n. Paths are
    (m, k, 2) and numbers (m,); either may be given once for all. Colours are (blue, green, red),
    0 to 255: (3,) or (m, 3). Units are those of the frames.

    Args:
        frames: float32 (n, 2, 3), which take a column (x, y, 1) of units to pixels.
        size: width and height of the pictures in pixels.
        oversampling: how many times larger they are drawn, then averaged down.
    """

    def __init__(self, frames: NDArray[np.float32], *, size: int, oversampling: int = 2) -> None:
        self._frames = frames * np.float32(oversampling)
        self._size = size
        self._oversampling = oversampling
        self._marks: list[list[Mark]] = [[] for _ in range(len(frames))]
        spread = self._frames[:, :, :2]
        # Pixels in one unit: the geometric mean where a frame is stretched.
        self._units = np.sqrt(np.abs(np.linalg.det(spread)))

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def marks(self) -> int:
        """How many marks have been made on all pictures together."""
        return sum(map(len, self._marks))

    def fill(
        self,
        paths: Paths,
        colours: ArrayLike,
        *,
        alpha: ArrayLike = 1.0,
        rows: NDArray[np.intp] | None = None,
    ) -> None:
        """Fill closed shapes; below an alpha of 1 what lies under them shows through."""
        marks = self._marks
        shares = np.asarray(alpha, np.float32)
        if not shares.ndim and shares >= 1.0:
            for row, place, colour in self._each(paths, colours, rows=rows):
                marks[row].append((FILL, place, colour))
            return
        for row, place, colour, share in self._each(paths, colours, shares, rows=rows):
            if share >= 1.0:
                marks[row].append((FILL, place, colour))
            elif share > 0.0:
                marks[row].append((ALPHA, place, colour, share))

    def stroke(
        self,
        paths: Paths,
        colours: ArrayLike,
        *,
        width: ArrayLike,
        taper: tuple[float, float] = (0.0, 0.0),
        alpha: ArrayLike = 1.0,
        rows: NDArray[np.intp] | None = None,
    ) -> None:
        """Draw brush strokes along smooth paths; see `curves.brush` for width and taper."""
        self.fill(brush(paths, width=width, taper=taper), colours, alpha=alpha, rows=rows)

    def line(
        self,
        paths: Paths,
        colours: ArrayLike,
        *,
        width: ArrayLike,
        closed: bool = False,
        rows: NDArray[np.intp] | None = None,
    ) -> None:
        """Draw lines of even width, none where the width is 0 or less."""
        for row, place, colour, wide in self._each(paths, colours, width, rows=rows):
            if wide > 0.0:
                thick = max(1, round(wide * self._units[row]))
                self._marks[row].append((LINE, place, colour, closed, thick))

    def paint(
        self,
        paths: Paths,
        colours: ArrayLike,
        *,
        edge: ArrayLike,
        width: ArrayLike,
        rows: NDArray[np.intp] | None = None,
    ) -> None:
        """Fill closed shapes and draw their outlines, none where the width is 0 or less."""
        wide = np.asarray(width, np.float32)
        # A larger shape below costs a seventh of a line around; what it loses inside it gets here.
        self.fill(grown(paths, 0.75 * wide), edge, alpha=(wide > 0) * 1.0, rows=rows)
        self.fill(paths, colours, rows=rows)

    def glow(
        self,
        centres: Paths,
        radius: ArrayLike,
        colours: ArrayLike,
        *,
        alpha: ArrayLike,
        rows: NDArray[np.intp] | None = None,
    ) -> None:
        """Blend in soft round spots; centres are (m, 1, 2), as `points` gives for one pair."""
        for row, place, colour, share, reach in self._each(
            centres, colours, alpha, radius, rows=rows
        ):
            if share > 0.0:
                x, y = (place[0] / (1 << SHIFT)).tolist()
                pixels = reach * float(self._units[row])
                self._marks[row].append((GLOW, x, y, pixels, colour, share))

    @contextmanager
    def inside(self, *shapes: Paths, rows: NDArray[np.intp] | None = None) -> Iterator[None]:
        """Keep all that is drawn within the `with` inside the union of closed shapes.

        What is drawn within must be drawn on no other rows than these.
        """
        chosen = self._rows(rows)
        for row in chosen:
            self._marks[row].append((OPEN,))
        yield
        placed = [self._placed(shape, rows) for shape in shapes]
        for index, row in enumerate(chosen):
            self._marks[row].append((CLIP, [place[index] for place in placed]))

    def render(self, backdrops: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """Draw everything.

        Args:
            backdrops: n pictures of any size, uint8 (h, w, 3), BGR; they are stretched to fill.

        Returns:
            uint8 (n, size, size, 3), BGR.
        """
        drawn = np.empty((len(self), self._size, self._size, 3), np.uint8)
        side = self._size * self._oversampling
        edges = cv2.LINE_8 if self._oversampling > 1 else cv2.LINE_AA
        for marks, backdrop, picture in zip(self._marks, backdrops, drawn, strict=True):
            canvas = np.asarray(cv2.resize(backdrop, (side, side)), np.uint8)
            canvas = paint(canvas, marks, shift=SHIFT, edges=edges)
            cv2.resize(canvas, (self._size, self._size), picture, interpolation=cv2.INTER_AREA)
        return drawn

    def _rows(self, rows: NDArray[np.intp] | None) -> list[int]:
        return list(range(len(self))) if rows is None else rows.tolist()

    def _placed(self, paths: Paths, rows: NDArray[np.intp] | None) -> NDArray[np.int32]:
        """Pixels in OpenCV's fixed point, int32 (m, k, 2)."""
        frames = self._frames if rows is None else self._frames[rows]
        x, y, scale = paths[..., 0], paths[..., 1], float(1 << SHIFT)
        across, along, shift = (frames[:, :, None, column] * scale for column in range(3))
        turned = np.empty((len(frames), paths.shape[1], 2), np.float32)
        # By hand, as products of many small matrices are slow.
        for axis in range(2):
            turned[..., axis] = x * across[:, axis] + y * along[:, axis] + shift[:, axis]
        # What lies far outside would overflow OpenCV's fixed point.
        bound = self._size * self._oversampling * 8 * scale
        np.minimum(np.maximum(turned, -bound, out=turned), bound, out=turned)
        # OpenCV would fill a shape for minutes whose corner is nowhere.
        if np.isnan(turned.sum()):
            raise ValueError("a path has a coordinate that is no number")
        return np.rint(turned, out=turned).astype(np.int32)

    def _each(
        self,
        paths: Paths,
        colours: ArrayLike,
        *numbers: ArrayLike,
        rows: NDArray[np.intp] | None,
    ) -> Iterator[tuple[Any, ...]]:
        """For each row: the row, its path in pixels, its colour and its numbers."""
        chosen = self._rows(rows)
        if not chosen:
            return iter(())
        tints = np.asarray(colours, np.float32).reshape(-1, 3)
        columns = [_column(values, len(chosen)) for values in (tints, *numbers)]
        return zip(chosen, self._placed(paths, rows), *columns, strict=True)


def _column(values: ArrayLike, count: int) -> list[Any]:
    """Give values to rows: one to all, or one to each."""
    array = np.asarray(values, np.float32)
    column = array.tolist() if array.ndim else [array.item()]
    return column * count if len(column) == 1 else column
