"""A view: everything that differs between two pictures of one character."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.portraits.rows import Rows

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Numbers = NDArray[np.float32]

# Mouths, in the order of `View.mouth`.
MOUTHS = ("smile", "frown", "flat", "wavy", "cat", "open", "wide", "round", "small", "teeth",
          "grin", "hidden")  # fmt: skip

# The share of views in which a face lies on its side, and those that are mirrored.
_LYING, _MIRRORED, _PROFILE, _CLOSED = 0.05, 0.4, 0.08, 0.10


@dataclass(frozen=True, slots=True, eq=False)
class View(Rows):
    """How n faces are seen, drawn and lit; float32 (n,) but where it says otherwise.

    Attributes:
        yaw: the head's turn to the right of the picture, -1 to 1; 0.5 is three-quarter, 1 profile.
        pitch: its nod, -1 up to 1 down.
        tilt: its turn in the plane of the picture, degrees clockwise.
        zoom: how much of the crop's side the face's square takes; above 1 is too tight.
        x: where its middle lies, in sides of the crop from the middle.
        y: the same.
        stretch: width by height of the whole picture.
        mirrored: whether left and right are swapped; bool (n,).
        lit: where light comes from, -1 the left to 1 the right.
        lid: how far the eyes are open: 1 wide, 0 closed.
        joy: whether closed eyes arch upwards; bool (n,).
        wink: whether only one eye follows the lid; bool (n,).
        gaze: where the eyes look; (n, 2), -1 to 1.
        brow: how far the inner ends of the brows are raised, negative when angry.
        mouth: places in `MOUTHS`; intp (n,).
        blush: 0 to 1.
        breeze: how far hanging hair is blown sideways, -1 to 1.
        line: width of outlines in units of the head; 0 draws none.
        darkness: of the ink, see `tints.ink`.
        depth: of cel shadows, 0 flat to 1.5.
        gloss: strength of highlights on hair and eyes, 0 to 1.
        soft: whether shades run into each other instead of having edges; bool (n,).
        detail: how many strands, lashes and folds are drawn, 0 few to 1 many.
        eyes: the size this artist gives to eyes, as a factor.
        length: the length this artist gives to faces, as a factor.
        whims: chance for choices on which several layers must agree; (n, 4), 0 to 1.
    """

    yaw: Numbers
    pitch: Numbers
    tilt: Numbers
    zoom: Numbers
    x: Numbers
    y: Numbers
    stretch: Numbers
    mirrored: NDArray[np.bool_]
    lit: Numbers
    lid: Numbers
    joy: NDArray[np.bool_]
    wink: NDArray[np.bool_]
    gaze: Numbers
    brow: Numbers
    mouth: NDArray[np.intp]
    blush: Numbers
    breeze: Numbers
    line: Numbers
    darkness: Numbers
    depth: Numbers
    gloss: Numbers
    soft: NDArray[np.bool_]
    detail: Numbers
    eyes: Numbers
    length: Numbers
    whims: Numbers


def look(count: int, rng: Generator) -> View:
    """Choose views by chance.

    Args:
        count: n.
        rng: where chance comes from.

    Returns:
        The views.
    """

    def normal(deviation: float, limit: float) -> Numbers:
        return np.clip(rng.normal(0, deviation, count), -limit, limit).astype(np.float32)

    def uniform(low: float, high: float) -> Numbers:
        return rng.uniform(low, high, count).astype(np.float32)

    def factor(deviation: float, limit: float) -> Numbers:
        return np.exp(normal(deviation, limit))

    def often(share: float) -> NDArray[np.bool_]:
        return rng.random(count) < share

    profile = often(_PROFILE)
    yaw = np.where(profile, rng.choice((-1, 1), count) * uniform(0.6, 1.0), normal(0.35, 0.8))
    tilt = np.where(often(_LYING), uniform(-90, 90), normal(13, 40))
    lid = np.where(often(_CLOSED), 0.0, uniform(0.55, 1.1))
    line = np.where(often(0.12), 0.0, uniform(0.012, 0.055))
    return View(
        yaw=yaw.astype(np.float32),
        pitch=normal(0.3, 0.8),
        tilt=tilt.astype(np.float32),
        zoom=factor(0.13, 0.35),
        x=normal(0.05, 0.15),
        y=normal(0.05, 0.15),
        stretch=factor(0.05, 0.12),
        mirrored=often(_MIRRORED),
        lit=rng.choice((-1, 1), count) * uniform(0.3, 1.0),
        lid=lid.astype(np.float32),
        joy=often(0.5),
        wink=often(0.06),
        gaze=np.stack([uniform(-1, 1), uniform(-0.7, 0.7)], axis=1),
        brow=normal(0.07, 0.16),
        mouth=rng.integers(len(MOUTHS), size=count),
        blush=np.where(often(0.3), uniform(0.5, 1.0), uniform(0.0, 0.5)).astype(np.float32),
        breeze=normal(0.4, 1.0),
        line=line.astype(np.float32),
        darkness=uniform(0.1, 0.95),
        depth=uniform(0.0, 1.5),
        gloss=uniform(0.0, 1.0),
        soft=often(0.45),
        detail=uniform(0.0, 1.0),
        eyes=factor(0.1, 0.25),
        length=factor(0.05, 0.12),
        whims=rng.random((count, 4), np.float32),
    )
