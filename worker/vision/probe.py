"""Prove that detectors work here, by having each find a face that is drawn on the spot.

A detector can load and yet find nothing: animeface does so with a Pillow that lays out its memory
differently, and a cascade for eyes or number plates is no face detector at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import PIL

from db.errors import DetectorError
from db.records import Box
from worker.vision.chain import ANIMEFACE
from worker.vision.decode import Decoded
from worker.vision.detect import Finder, build, overlap
from worker.vision.view import View

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from worker.vision.chain import Chain

# Chosen so that all face detectors known to work pass, however they frame a face, and OpenCV's
# cascades for eyes, mouths, bodies and number plates do not.
_LEAST_OVERLAP = 0.5

_SIDE = 400
_ANIME_FACE = Box(85, 125, 315, 355)
_HUMAN_FACE = Box(80, 105, 320, 345)

Colour = tuple[int, int, int]


def check(chain: Chain) -> None:
    """Load every detector of a chain and have it find a drawn face, an anime or a human one.

    Args:
        chain: what is about to be used.

    Raises:
        DetectorError: a detector cannot be loaded, or does not find the face.
    """
    drawings = ((_decoded(anime_face()), _ANIME_FACE), (_decoded(human_face()), _HUMAN_FACE))
    for finder in build(chain).finders:
        if not any(_finds(finder, drawing, face) for drawing, face in drawings):
            raise DetectorError(_reason(finder))


def anime_face() -> NDArray[np.uint8]:
    """An anime face in a few strokes; uint8 (400, 400, 3), BGR."""
    image = np.full((_SIDE, _SIDE, 3), (235, 225, 215), np.uint8)
    hair, skin, outline = (90, 60, 200), (205, 225, 250), (90, 110, 140)
    _oval(image, (200, 190), (125, 135), hair)
    _shape(image, ((75, 190), (60, 360), (120, 360), (110, 200)), hair)
    _shape(image, ((325, 190), (340, 360), (280, 360), (290, 200)), hair)
    _shape(image, ((175, 300), (225, 300), (225, 370), (175, 370)), (180, 200, 235))
    cheeks = ((105, 170), (108, 235), (135, 285), (200, 325), (265, 285), (292, 235), (295, 170))
    _shape(image, (*cheeks, (250, 120), (150, 120)), outline, thickness=3)
    _shape(image, (*cheeks, (250, 120), (150, 120)), skin)
    for x in (150, 250):
        _anime_eye(image, x)
    _arc(image, (200, 258), (3, 6), (20, 160), outline, thickness=3)
    _arc(image, (200, 285), (18, 8), (20, 160), (80, 70, 160), thickness=4)
    ends = ((90, 190), (95, 110), (140, 70), (200, 60), (260, 70), (305, 110), (310, 190))
    tips = ((285, 150), (262, 185), (240, 140), (200, 185), (165, 140), (140, 185), (118, 150))
    _shape(image, (*ends, *tips), hair)
    return image


def human_face() -> NDArray[np.uint8]:
    """A human face, front view, as soft blobs; uint8 (400, 400, 3), BGR."""
    image = np.full((_SIDE, _SIDE, 3), (200, 200, 200), np.uint8)
    hair, skin, light = (40, 40, 45), (156, 181, 208), (164, 190, 224)
    _oval(image, (200, 190), (118, 150), hair)
    _oval(image, (200, 215), (92, 125), skin)
    _oval(image, (200, 102), (90, 32), (28, 29, 33))
    for x in (165, 235):
        _oval(image, (x, 195), (30, 18), (130, 148, 168))
    for x in (162, 238):
        _oval(image, (x, 183), (31, 9), (50, 55, 62))
        _oval(image, (x, 198), (12, 8), (207, 207, 207))
        _oval(image, (x, 198), (5, 8), (36, 36, 36))
    _oval(image, (200, 227), (12, 35), light)
    _oval(image, (200, 259), (25, 7), (105, 125, 135))
    for x in (135, 265):
        _oval(image, (x, 250), (22, 33), light)
    _oval(image, (200, 300), (36, 5), (85, 80, 145))
    _oval(image, (200, 318), (27, 6), (118, 135, 152))
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 4.5), np.uint8)


def _anime_eye(image: NDArray[np.uint8], x: int) -> None:
    _oval(image, (x, 225), (25, 32), (255, 255, 255))
    _oval(image, (x, 227), (19, 30), (150, 80, 40))
    _oval(image, (x, 230), (10, 18), (50, 20, 10))
    _oval(image, (x - 7, 214), (7, 7), (255, 255, 255))
    _arc(image, (x, 222), (29, 32), (200, 340), (30, 20, 30), thickness=7)
    _arc(image, (x, 185), (28, 12), (200, 340), (60, 40, 120), thickness=4)


def _decoded(pixels: NDArray[np.uint8]) -> Decoded:
    return Decoded(pixels, width=_SIDE, height=_SIDE)


def _finds(finder: Finder, drawing: Decoded, face: Box) -> bool:
    return any(overlap(found.box, face) >= _LEAST_OVERLAP for found in finder.find(View(drawing)))


def _reason(finder: Finder) -> str:
    step = finder.step
    if step.detector == ANIMEFACE:
        return (
            f"animeface {step.version} finds no face in a drawing of one, with Pillow"
            f" {PIL.__version__}: it needs a Pillow older than 12 (pip install 'pillow<12')"
        )
    return (
        f"{str(step.cascade)!r} finds no face in drawings of one ({step.id}): it seems to detect"
        " something else; give a cascade for frontal faces"
    )


def _oval(
    image: NDArray[np.uint8], centre: tuple[int, int], radii: tuple[int, int], colour: Colour
) -> None:
    cv2.ellipse(image, centre, radii, 0, 0, 360, colour, cv2.FILLED, cv2.LINE_AA)


def _arc(
    image: NDArray[np.uint8],
    centre: tuple[int, int],
    radii: tuple[int, int],
    degrees: tuple[int, int],
    colour: Colour,
    *,
    thickness: int,
) -> None:
    cv2.ellipse(image, centre, radii, 0, *degrees, colour, thickness, cv2.LINE_AA)


def _shape(
    image: NDArray[np.uint8],
    corners: tuple[tuple[int, int], ...],
    colour: Colour,
    *,
    thickness: int = 0,
) -> None:
    points = [np.array(corners, np.int32)]
    if thickness:
        cv2.polylines(image, points, isClosed=True, color=colour, thickness=thickness)
    else:
        cv2.fillPoly(image, points, colour, cv2.LINE_AA)
