"""Scenes: a backdrop, the characters in it, the light, and where the faces are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from db.errors import UsageError
from db.records import Box
from training.drawing.indoors import INDOORS
from training.drawing.lighting import cast_light
from training.drawing.outdoors import OUTDOORS
from training.drawing.pen import Pen, Pixels
from training.drawing.portrait import FACE_HALF, Place, draw_portrait, face_square
from training.drawing.pose import Pose, strike_pose
from training.drawing.stills import STILLS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator

    from training.drawing.character import Character

# Everything is drawn this many times larger and averaged down, so that lines are smooth.
_OVERSAMPLING = 2

# The head's half width: its share of the room that one character has, at least and at most.
_SMALLEST, _LARGEST = 0.15, 0.25

# A row gets tight when a character has less room than this share of the picture's height.
_TIGHT = 0.45


@dataclass(frozen=True, slots=True)
class DrawnFace:
    """A face in a drawn scene.

    Attributes:
        character: the character's name.
        box: a square from fringe to chin, as detectors return it, clipped to the picture.
    """

    character: str
    box: Box


@dataclass(frozen=True, slots=True)
class Scene:
    """A drawn picture and the faces in it.

    Attributes:
        image: (height, width, 3) uint8, BGR.
        faces: one for each character, from left to right.
    """

    image: Pixels
    faces: tuple[DrawnFace, ...]


def draw_scene(
    characters: Sequence[Character], *, rng: Generator, size: tuple[int, int] = (640, 480)
) -> Scene:
    """Draw characters side by side before a backdrop; without any, a scene without a face.

    Args:
        characters: who is in the picture, from left to right.
        rng: chooses poses, places, backdrop and light.
        size: width and height in pixels.

    Raises:
        UsageError: when the picture is too narrow for that many characters.
    """
    width, height = size
    if width < _TIGHT * 0.5 * height * len(characters):
        raise UsageError(
            f"{len(characters)} characters do not fit into {width}x{height} pixels: "
            "draw fewer, or a wider scene"
        )
    canvas = _backdrop(width, height, rng, still=not characters)
    pen = Pen.at(canvas, x=0.0, y=0.0, unit=_OVERSAMPLING)
    cast = [
        (c, strike_pose(rng), p)
        for c, p in zip(characters, _places(characters, rng, size), strict=True)
    ]
    # Smaller heads are farther away: they are drawn first.
    for character, pose, place in sorted(cast, key=lambda entry: entry[2].unit):
        draw_portrait(pen, character, pose, place)
    faces = tuple(DrawnFace(c.name, _clipped(pose, place, size)) for c, pose, place in cast)
    return Scene(cast_light(_shrunk(canvas), rng), faces)


def draw_face(character: Character, *, rng: Generator, size: int = 96) -> Pixels:
    """Draw a face as a detector would cut it out: nearly the face's square, slightly off.

    Args:
        character: whose face.
        rng: chooses pose, cut, backdrop and light.
        size: width and height in pixels.

    Returns:
        (size, size, 3) uint8, BGR.
    """
    canvas = _backdrop(size, size, rng, still=False)
    pose = strike_pose(rng)
    unit = size / (2 * FACE_HALF * float(rng.uniform(0.92, 1.18)))
    x0, y0, x1, y1 = face_square(pose, Place(0.0, 0.0, unit))
    shift_x, shift_y = (float(v) * size for v in rng.normal(0.5, 0.03, size=2).clip(0.43, 0.57))
    place = Place(shift_x - (x0 + x1) / 2, shift_y - (y0 + y1) / 2, unit)
    draw_portrait(Pen.at(canvas, x=0.0, y=0.0, unit=_OVERSAMPLING), character, pose, place)
    return cast_light(_shrunk(canvas), rng)


def _backdrop(width: int, height: int, rng: Generator, *, still: bool) -> Pixels:
    """Return a backdrop, oversampled; drawn at plain size, for what is far away may be soft."""
    picture = np.zeros((height, width, 3), dtype=np.uint8)
    families = (OUTDOORS, STILLS) if still else (OUTDOORS, INDOORS)
    family = families[int(rng.integers(2))]
    family[int(rng.integers(len(family)))](
        Pen.at(picture, x=0.0, y=0.0, unit=height), width / height, rng
    )
    large = (width * _OVERSAMPLING, height * _OVERSAMPLING)
    return np.asarray(cv2.resize(picture, large, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _shrunk(canvas: Pixels) -> Pixels:
    height, width = canvas.shape[:2]
    small = (width // _OVERSAMPLING, height // _OVERSAMPLING)
    return np.asarray(cv2.resize(canvas, small, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _places(characters: Sequence[Character], rng: Generator, size: tuple[int, int]) -> list[Place]:
    """Return a place for each character, in columns of equal width so that no faces overlap."""
    width, height = size
    column = width / max(1, len(characters))
    room = min(height, column * 1.25)
    places = []
    for i in range(len(characters)):
        unit = room * float(rng.uniform(_SMALLEST, _LARGEST))
        slack = max(0.0, column / 2 - 1.25 * unit)
        x = (i + 0.5) * column + float(rng.uniform(-1, 1)) * slack
        y = float(rng.uniform(max(1.75 * unit, height - 6.5 * unit), height - 2.2 * unit))
        places.append(Place(x, y, unit))
    return places


def _clipped(pose: Pose, place: Place, size: tuple[int, int]) -> Box:
    width, height = size
    x0, y0, x1, y1 = face_square(pose, place)
    return Box(max(0, round(x0)), max(0, round(y0)), min(width, round(x1)), min(height, round(y1)))
