"""A pose: everything that differs between two pictures of one character."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from training.drawing.colours import CLOTH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.random import Generator


@dataclass(frozen=True, slots=True)
class Expression:
    """What a mood does to a face.

    Attributes:
        mouth: a name of `MOUTHS`.
        lid: how far the eyes are open, 1 is wide.
        brow: how far the inner ends of the brows are raised, negative when angry.
        blush: strength of the blush, 0 to 1.
    """

    mouth: str
    lid: float
    brow: float
    blush: float


EXPRESSIONS: Mapping[str, Expression] = MappingProxyType(
    {
        "calm": Expression("smile", 0.96, 0.0, 0.3),
        "gentle": Expression("smile", 0.88, 0.05, 0.55),
        "happy": Expression("open", 0.98, 0.03, 0.6),
        "laughing": Expression("wide", 0.9, 0.05, 0.7),
        "surprised": Expression("round", 1.1, 0.08, 0.25),
        "cross": Expression("frown", 0.9, -0.11, 0.2),
        "sad": Expression("frown", 0.86, 0.12, 0.3),
        "shy": Expression("wavy", 0.92, 0.09, 1.0),
        "smug": Expression("cat", 0.84, -0.06, 0.4),
        "serious": Expression("flat", 0.92, -0.04, 0.15),
        "talking": Expression("small", 0.96, 0.0, 0.3),
    }
)

OUTFITS = ("sailor", "blazer", "hoodie", "sweater", "kimono", "dress", "shirt", "coat")


@dataclass(frozen=True, slots=True)
class Pose:
    """How a character is seen in one picture.

    Attributes:
        tilt: the head's turn in the plane of the picture, degrees clockwise.
        yaw: the head's turn to a side, -1 to 1; it shifts the features.
        pitch: the head's nod, -1 up to 1 down.
        gaze: where the eyes look, x and y from -1 to 1.
        expression: the mood.
        breeze: how far hanging hair is blown sideways, -1 to 1.
        lit_from: -1 when the light comes from the left, 1 from the right.
        outfit: a name of `OUTFITS`.
        cloth: names of the palette `CLOTH`: the main colour and a second one.
    """

    tilt: float
    yaw: float
    pitch: float
    gaze: tuple[float, float]
    expression: Expression
    breeze: float
    lit_from: int
    outfit: str
    cloth: tuple[str, str]


def strike_pose(rng: Generator) -> Pose:
    """Return a random pose: mostly upright, the head tilted by 20 degrees at most."""
    main, second = rng.choice(tuple(CLOTH), size=2, replace=False)
    return Pose(
        tilt=_spread(rng, 7.0, limit=20.0),
        yaw=_spread(rng, 0.45, limit=1.0),
        pitch=float(rng.uniform(-0.6, 0.6)),
        gaze=(float(rng.uniform(-1, 1)), float(rng.uniform(-0.6, 0.6))),
        expression=EXPRESSIONS[str(rng.choice(tuple(EXPRESSIONS)))],
        breeze=_spread(rng, 0.4, limit=1.0),
        lit_from=int(rng.choice((-1, 1))),
        outfit=str(rng.choice(OUTFITS)),
        cloth=(str(main), str(second)),
    )


def _spread(rng: Generator, deviation: float, *, limit: float) -> float:
    return max(-limit, min(limit, float(rng.normal(0.0, deviation))))
