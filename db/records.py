"""Frozen records that cross the borders between packages; checked when they are made."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What became of a listed file; no model changes it."""

    FACES = "faces"
    NO_FACE = "no_face"
    UNREADABLE = "unreadable"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle (x0, y0, x1, y1), in pixels of the upright image; x1 and y1 are exclusive."""

    x0: int
    y0: int
    x1: int
    y1: int

    def __post_init__(self) -> None:
        if not (0 <= self.x0 < self.x1 and 0 <= self.y0 < self.y1):
            raise ValueError(f"a box needs 0 <= x0 < x1 and 0 <= y0 < y1, not {self}")

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.y1 - self.y0

    @property
    def area(self) -> int:
        """Area in pixels."""
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class DetectedFace:
    """A face that a detector found.

    Attributes:
        box: where, in pixels of the upright image.
        detector: the name of the detector that found it, as in the chain id.
        score: the detector's own measure of certainty; not comparable between detectors.
    """

    box: Box
    detector: str
    score: float


@dataclass(frozen=True, slots=True)
class Crop:
    """A face with a margin around it, kept so that models can be changed without the image.

    Attributes:
        jpeg: the encoded pixels, at most 192 on the long side.
        inner: the face's own box within those pixels; the classifier's input is cut from it.
    """

    jpeg: bytes
    inner: Box


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model version says of a face.

    Attributes:
        label: the most likely known label.
        confidence: calibrated probability of that label, 0 to 1.
        unknown: whether the confidence is below the model's threshold.
        top: the most likely labels with their confidence, best first.
    """

    label: str
    confidence: float
    unknown: bool
    top: tuple[tuple[str, float], ...]
