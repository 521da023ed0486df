"""What a decoder process reports of one image."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from db.records import Crop, DetectedFace, Outcome


@dataclass(frozen=True, slots=True)
class ExaminedFace:
    """A face with everything that is kept of it.

    Attributes:
        face: box, detector and score.
        crop: the stored pixels.
        pixels: the classifier's input cut from the crop; uint8 (size, size, 3), RGB.
    """

    face: DetectedFace
    crop: Crop
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Examined:
    """The one outcome of an image's bytes.

    Attributes:
        outcome: faces, no_face, unreadable or quarantined.
        reason: short code of why there are no faces; None with faces.
        detail: one line for people, or None.
        width: of the upright image in pixels; None if unknown.
        height: of the upright image in pixels; None if unknown.
        format: the container, such as `JPEG`; None if unknown.
        faces: largest first; empty but for the outcome faces.
        preview: a small JPEG of an image without a face, else None.
        seconds: how long `decode` and `detect` took; empty where the image did not get as far.
    """

    outcome: Outcome
    reason: str | None = None
    detail: str | None = None
    width: int | None = None
    height: int | None = None
    format: str | None = None
    faces: tuple[ExaminedFace, ...] = ()
    preview: bytes | None = None
    seconds: Mapping[str, float] = field(default_factory=dict, compare=False)
