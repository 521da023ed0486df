"""How bodies stand below their heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.portraits.easel.curves import moved
from training.portraits.head import CHIN_Y

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from training.portraits.easel.curves import Paths
    from training.portraits.view import View

# Where the body turns against the head, and by how much of the head's tilt.
_PIVOT, _UPRIGHT = 0.8, 0.65
# Necks are short: how far bodies of these tables lie too high for a chin.
_CHIN = CHIN_Y - 1.13


class Stance:
    """Where n bodies are: heads lean and turn further than they do.

    Args:
        view: n views.
        rng: where chance comes from: the body may be turned otherwise than the head.
        width: of the shoulders, as a factor; (n,).
    """

    def __init__(self, view: View, rng: Generator, width: NDArray[np.floating]) -> None:
        count = len(view)
        angle = np.clip(-_UPRIGHT * view.tilt, -40, 40) + rng.normal(0, 4, count)
        self._angle = angle.astype(np.float32)
        self._x = (-0.14 * view.yaw + rng.normal(0, 0.04, count)).astype(np.float32)
        # Some are drawn with hunched or raised shoulders, or from above.
        raised = _CHIN + rng.normal(0, 0.09, count).clip(-0.2, 0.2) + view.length - 1
        self._y = raised.astype(np.float32)
        # Turned bodies are narrower, and their middle line moves to the side.
        turn = (0.45 * view.yaw + rng.normal(0, 0.25, count)).clip(-0.8, 0.8)
        self._turn = turn.astype(np.float32)
        self._wide = width * (1 - 0.2 * np.abs(self._turn))

    def place(self, path: Paths, rows: NDArray[np.intp] | slice = slice(None)) -> Paths:
        """Put paths of a straight body where it is.

        Args:
            path: (1 or m, k, 2); the chin is at y = 1.07.
            rows: which m of the n bodies.

        Returns:
            float32 (m, k, 2), in units of the head.
        """
        low = np.clip(path[..., 1] - 1.15, 0, 1)
        aside = self._turn[rows, None] * (0.45 * low * np.clip(1.2 - np.abs(path[..., 0]), 0, 1))
        x = path[..., 0] * (1 + (self._wide[rows, None] - 1) * np.clip(low * 3, 0, 1)) + aside
        body = np.stack(np.broadcast_arrays(x, path[..., 1] + self._y[rows, None] - _PIVOT), 2)
        return moved(body, self._x[rows], _PIVOT, angle=self._angle[rows])
