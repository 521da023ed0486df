"""Single locks of hair."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.portraits.easel.curves import grown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.portraits.easel.curves import Paths
    from training.portraits.easel.sheet import Sheet
    from training.portraits.easel.tints import Tints


def paint_lock(  # as `Sheet.paint`
    sheet: Sheet,
    path: Paths,
    colours: Tints,
    *,
    edge: Tints,
    width: NDArray[np.float32],
    rows: NDArray[np.intp] | None = None,
) -> None:
    """Fill closed shapes over larger ones in the colour of their edge, where they have one."""
    lined = np.flatnonzero(width > 0)
    below = lined if rows is None else rows[lined]
    # The half of a line that lies inside a shape is missing here: it is made up for.
    sheet.fill(grown(path[lined], 0.75 * width[lined]), edge[lined], rows=below)
    sheet.fill(path, colours, rows=rows)


def draw_line(
    sheet: Sheet,
    path: Paths,
    colours: Tints,
    *,
    width: NDArray[np.float32],
    taper: tuple[float, float] = (0.3, 0.3),
    rows: NDArray[np.intp],
) -> None:
    """Draw lines as brush strokes, none where their width is 0: strokes would leave a hairline."""
    lined = np.flatnonzero(width > 0)
    sheet.stroke(path[lined], colours[lined], width=width[lined], taper=taper, rows=rows[lined])
