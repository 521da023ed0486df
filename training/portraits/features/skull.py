"""The outline of a head, and where on it things lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.portraits.easel import curves
from training.portraits.head import EYE_Y, onto

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from training.portraits.character import Character
    from training.portraits.easel.curves import Paths
    from training.portraits.view import View

    Numbers = NDArray[np.float32]

# Half of a skull from the crown to beside the chin, each knot with how far in front it lies.
_HALF = np.array([
    (0.00, -1.12), (0.52, -1.00), (0.86, -0.66), (0.96, -0.20), (0.92, 0.20), (0.84, 0.52),
    (0.59, 0.87), (0.31, 1.12),
], np.float32)  # fmt: skip
_FRONT = np.array([0.0, 0.0, 0.02, 0.06, 0.14, 0.26, 0.55, 0.68], np.float32)
_JAW_FRONT = np.array([0.0, 0.0, 0.0, 0.0, 0.1, 0.35, 0.75, 0.80], np.float32)
_CHIN_FRONT = 0.74
# The same half when it is seen from the side: forehead, root and tip of the nose, lips, chin.
_PROFILE = np.array([
    (0.00, -1.12), (0.55, -1.00), (0.88, -0.60), (0.96, -0.05), (0.90, 0.28), (1.06, 0.64),
    (0.94, 0.83), (0.89, 1.02),
], np.float32)  # fmt: skip
_PROFILE_CHIN = (0.78, 1.20)


def fitted(path: Paths, character: Character, view: View) -> Paths:
    """Stretch what lies below the eyes to the length of the faces.

    Args:
        path: (1 or n, k, 2), on a head as long as others.
        character: n characters.
        view: n views.

    Returns:
        float32 (n, k, 2).
    """
    factor = (character.face.jaw * view.length)[:, None]
    x, y = path[..., 0], path[..., 1]
    longer = np.where(y > EYE_Y, EYE_Y + (y - EYE_Y) * factor, y)
    return np.stack(np.broadcast_arrays(x, longer), axis=2).astype(np.float32)


def placed(path: Paths, character: Character, view: View, *, radius: ArrayLike = 1.0) -> Paths:
    """Put what lies on the front of a head, of common length, where it is seen; (n, k, 2)."""
    return onto(fitted(path, character, view), view, radius=radius)


def outline(character: Character, view: View) -> Paths:
    """Outline skulls and jaws.

    At three quarters the far cheek comes in and the chin moves over; from the side the nose and
    the lips stand out.

    Args:
        character: n characters.
        view: n views.

    Returns:
        float32 (n, 60, 2), closed and smooth, in units of the head.
    """
    ahead = onto(curves.points((0.0, 0.0)), view)[:, 0]
    turn, nod = ahead[:, 0], ahead[:, 1]
    far = np.sign(turn + 1e-6)
    away, aside = np.abs(turn), _aside(view)[:, None, None]
    half = _half(character)
    distant, near = half.copy(), half.copy() * np.array([-1, 1], np.float32)
    distant[..., 0] += away[:, None] * (_FRONT - 0.10 * half[..., 0])
    near[..., 0] += away[:, None] * _JAW_FRONT
    distant = distant + aside * (_PROFILE - distant)
    chin = np.stack([_CHIN_FRONT * away, _chin(character)], axis=1)[:, None]
    chin = chin + aside * (np.array(_PROFILE_CHIN, np.float32) - chin)
    knots = np.concatenate([distant, chin, near[:, :0:-1]], axis=1)
    knots[..., 0] *= far[:, None]
    knots[..., 1] += nod[:, None] * np.clip(knots[..., 1] + 0.2, 0, 1) * 0.9
    return curves.spline(fitted(knots, character, view), steps=4)


def _aside(view: View) -> Numbers:
    """How far a view is one from the side: 0 at three quarters, 1 from there on."""
    return np.clip((np.abs(view.yaw) - 0.5) / 0.35, 0, 1).astype(np.float32)


def _half(character: Character) -> Paths:
    face = character.face
    half = np.repeat(_HALF[None], len(face), axis=0)
    # Cheeks, then the slope from them to the chin.
    half[:, 4:6, 0] *= (face.cheek - 0.03 * face.chin)[:, None]
    half[:, 6, 0] *= face.cheek - 0.16 * (face.chin - 0.4)
    half[:, 7, 0] *= 1.15 - 0.62 * face.chin
    half[:, 7, 1] += 0.03 * face.chin
    return half


def _chin(character: Character) -> Numbers:
    return 1.19 + 0.05 * character.face.chin
