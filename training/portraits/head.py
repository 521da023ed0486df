"""Where things are on a head: its frame in the picture, and its turn in space.

The unit is half the width of the head; the origin is the middle of the head, y points to the chin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from training.portraits.easel.curves import Paths
    from training.portraits.view import View

# The square that detectors return, in units of the head: its middle below the origin, half a side.
FACE_Y = 0.36
FACE_HALF = 1.28

# Where the features sit on a head that looks straight ahead.
EYE_Y = 0.22
EYE_X = 0.46
NOSE_Y = 0.64
MOUTH_Y = 0.89
CHIN_Y = 1.22

# How far a yaw or pitch of 1 turns the head, in radians.
_YAW, _PITCH = 1.15, 0.45


def frames(view: View, *, size: int) -> NDArray[np.float32]:
    """Give the frames that put the heads into crops.

    Args:
        view: n views.
        size: width and height of a crop in pixels.

    Returns:
        float32 (n, 2, 3): from units of the head to pixels.
    """
    angle = np.radians(view.tilt)
    unit = size / (2 * FACE_HALF) * view.zoom
    root = np.sqrt(view.stretch)
    wide, high = unit * root * np.where(view.mirrored, -1, 1), unit / root
    cos, sin = np.cos(angle), np.sin(angle)
    linear = np.stack(
        [np.stack([cos * wide, -sin * wide], axis=1), np.stack([sin * high, cos * high], axis=1)],
        axis=1,
    )
    middle = np.stack([0.10 * view.yaw, np.full(len(view), FACE_Y)], axis=1)
    centre = size * (0.5 + np.stack([view.x, view.y], axis=1))
    shift = centre - np.einsum("nij,nj->ni", linear, middle)
    return np.concatenate([linear, shift[:, :, None]], axis=2).astype(np.float32)


def onto(path: Paths, view: View, *, radius: ArrayLike = 1.0) -> Paths:
    """Turn what lies on the front of a head with it.

    The head is a ball of a radius, seen from far away: what is turned away gets narrower, and
    slides towards the edge. What lies outside the ball moves with its edge.

    Args:
        path: (1 or n, k, 2), on a head that looks straight ahead.
        view: n views.
        radius: of the ball; hair lies on a larger one than eyes. A number or (n,).

    Returns:
        float32 (n, k, 2).
    """
    ball = np.atleast_1d(np.asarray(radius, np.float32))[:, None]
    x, y = path[..., 0], path[..., 1]
    yaw, pitch = _YAW * view.yaw[:, None], _PITCH * view.pitch[:, None]
    # Longitude and latitude; both stop short of the edge, where a path would turn back.
    across = np.arcsin(np.clip(x / ball, -1, 1))
    turned = np.clip(across + yaw, -np.pi / 2, np.pi / 2)
    beyond = x - np.clip(x, -ball, ball)
    sideways = ball * np.sin(turned) + beyond
    depth = ball * np.cos(across)
    upright = y + np.sin(pitch) * depth * 0.35
    return np.stack(np.broadcast_arrays(sideways, upright), axis=2).astype(np.float32)


def faces_us(x: ArrayLike, view: View, *, radius: float = 1.0) -> NDArray[np.bool_]:
    """Tell whether places at x of a straight head can still be seen; bool (n,)."""
    across = np.arcsin(np.clip(np.asarray(x, np.float32) / radius, -1, 1))
    return np.asarray(np.abs(across + _YAW * view.yaw) < np.pi / 2 * 0.92)
