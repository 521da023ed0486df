"""Find faces with a chain of detectors.

OpenCV's cascades (Viola and Jones, "Rapid object detection using a boosted cascade of simple
features", 2001) and the animeface package, which reads Pillow images by their memory layout.
"""

from __future__ import annotations

import hashlib
import importlib
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

import cv2
from PIL import Image

from db.errors import DetectorError
from db.records import Box, DetectedFace
from worker.vision.chain import ANIMEFACE, Step
from worker.vision.view import View

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from worker.vision.chain import Chain
    from worker.vision.decode import Decoded

# Scanned with windows from 24 pixels, which is what the LBP anime cascade was trained on.
_SMALLEST_WINDOW = (24, 24)

# Equalizing makes patterns out of the noise of a dark or plain patch, and cascades see faces there.
# Standard deviation of grey levels (0 to 255): among 318 boxes of scenes, the two below it were
# empty patches (5 and 8), and the faintest face had 19.
_LEAST_CONTRAST = 12.0

# animeface frames a face from the brows to the chin; the LBP cascade frames half the hair too. On
# faces that both find, with the same centre, the median ratio of their sides is 0.76.
_ANIMEFACE_FRAME = 1 / 0.76

# A box is dropped if it is smaller, longer than wide (or wider than long) by more, if less of it
# lies within the image, or if it overlaps a larger one by more.
_SMALLEST_SIDE = 16
_LONGEST_ASPECT = 2.0
_LEAST_INSIDE = 0.6
_MOST_OVERLAP = 0.4


@dataclass(frozen=True, slots=True)
class Hit:
    """What a detector reports: a rectangle (x0, y0, x1, y1) in searched pixels, and a score."""

    x0: float
    y0: float
    x1: float
    y1: float
    score: float


if TYPE_CHECKING:
    Search = Callable[[NDArray[np.uint8]], list[Hit]]


@dataclass(frozen=True, slots=True)
class Finder:
    """A step of the chain that is ready to search.

    Attributes:
        step: what it runs.
        search: pixels to hits in those pixels.
        see: which pixels of an image it searches, `View.colour` or `View.grey`.
    """

    step: Step
    search: Search
    see: Callable[[View, int], NDArray[np.uint8]] = View.colour

    def find(self, view: View) -> tuple[DetectedFace, ...]:
        """The faces of an image, largest first, in pixels of the upright full-size image."""
        small = self.see(view, self.step.long_side)
        fx, fy = view.width / small.shape[1], view.height / small.shape[0]
        faces = [
            DetectedFace(box, self.step.detector, hit.score)
            for hit in self.search(small)
            if (box := _box(hit, fx, fy, width=view.width, height=view.height))
        ]
        return _without_doubles(faces)


@dataclass(frozen=True, slots=True)
class Detectors:
    """A chain whose detectors are loaded."""

    chain: Chain
    finders: tuple[Finder, ...]

    def find_faces(self, decoded: Decoded) -> tuple[DetectedFace, ...]:
        """The faces that the first step with any finds.

        Args:
            decoded: an upright image.

        Returns:
            Largest first, boxes in pixels of the upright full-size image and within it; empty if
            no step finds a face.
        """
        view = View(decoded)
        for finder in self.finders:
            if faces := finder.find(view):
                return faces
        return ()


def build(chain: Chain) -> Detectors:
    """Load the detectors of a chain.

    Args:
        chain: by whose id the results will be stored.

    Raises:
        DetectorError: a cascade or animeface cannot be loaded, or is not the version that the
            chain names.
    """
    return Detectors(chain, tuple(_load(step) for step in chain.steps))


def _load(step: Step) -> Finder:
    if step.detector == ANIMEFACE:
        return Finder(step, _load_animeface(step))
    return Finder(step, _load_cascade(step), see=View.grey)


def _load_animeface(step: Step) -> Search:
    try:
        animeface = importlib.import_module(ANIMEFACE)
        version = metadata.version(ANIMEFACE)
    except ImportError as error:
        raise DetectorError(f"animeface cannot be loaded ({error}): reinstall it") from error
    if version != step.version:
        raise DetectorError(f"the chain needs animeface {step.version}; {version} is installed")

    def search(pixels: NDArray[np.uint8]) -> list[Hit]:
        image = Image.fromarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))
        return [_reframed(face) for face in animeface.detect(image)]

    return search


def _reframed(face: Any) -> Hit:
    pos = face.face.pos
    x, y = pos.x + pos.width / 2, pos.y + pos.height / 2
    dx, dy = pos.width * _ANIMEFACE_FRAME / 2, pos.height * _ANIMEFACE_FRAME / 2
    return Hit(x - dx, y - dy, x + dx, y + dy, float(face.likelihood))


def _load_cascade(step: Step) -> Search:
    classifier = _classifier(step)

    def search(grey: NDArray[np.uint8]) -> list[Hit]:
        boxes, neighbors = classifier.detectMultiScale2(
            cv2.equalizeHist(grey), step.scale_factor, step.min_neighbors, minSize=_SMALLEST_WINDOW
        )
        return [
            Hit(x, y, x + width, y + height, float(n))
            for (x, y, width, height), n in zip(boxes, neighbors, strict=True)
            if grey[y : y + height, x : x + width].std() >= _LEAST_CONTRAST
        ]

    return search


def _classifier(step: Step) -> cv2.CascadeClassifier:
    path = str(step.cascade)
    try:
        content = step.cascade.read_bytes() if step.cascade else b""
        if hashlib.sha256(content).hexdigest() != step.version:
            raise DetectorError(f"the cascade {path!r} is not the one that the chain names")
        classifier = cv2.CascadeClassifier()
        loaded = classifier.load(path)
    except (OSError, cv2.error, SystemError) as error:
        raise DetectorError(f"cannot load the cascade {path!r}: {error}") from error
    if not loaded or classifier.empty():
        raise DetectorError(f"{path!r} is no cascade that OpenCV {cv2.__version__} can load")
    return classifier


def _box(hit: Hit, fx: float, fy: float, *, width: int, height: int) -> Box | None:
    x0, x1 = max(round(hit.x0 * fx), 0), min(round(hit.x1 * fx), width)
    y0, y1 = max(round(hit.y0 * fy), 0), min(round(hit.y1 * fy), height)
    inside = (x1 - x0) * (y1 - y0)
    if min(x1 - x0, y1 - y0) < _SMALLEST_SIDE:
        return None
    if max(x1 - x0, y1 - y0) > _LONGEST_ASPECT * min(x1 - x0, y1 - y0):
        return None
    if inside < _LEAST_INSIDE * (hit.x1 - hit.x0) * (hit.y1 - hit.y0) * fx * fy:
        return None
    return Box(x0, y0, x1, y1)


def _without_doubles(faces: list[DetectedFace]) -> tuple[DetectedFace, ...]:
    """Largest first; ties from top to bottom, left to right, so that the order never varies."""
    kept: list[DetectedFace] = []
    for face in sorted(faces, key=lambda f: (-f.box.area, f.box.y0, f.box.x0, f.box.y1)):
        if all(overlap(face.box, other.box) <= _MOST_OVERLAP for other in kept):
            kept.append(face)
    return tuple(kept)


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    width = min(a.x1, b.x1) - max(a.x0, b.x0)
    height = min(a.y1, b.y1) - max(a.y0, b.y0)
    shared = max(width, 0) * max(height, 0)
    return shared / (a.area + b.area - shared)
