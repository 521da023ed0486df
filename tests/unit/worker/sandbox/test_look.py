"""What is done with the bytes of one image, in this very process."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from db.records import Outcome
from worker.sandbox.look import look
from worker.vision.chain import default_chain
from worker.vision.detect import Detectors, build
from worker.vision.probe import anime_face

if TYPE_CHECKING:
    from worker.sandbox.examined import Examined

SIZE = (1400, 2000)

# What animeface frames of a drawing of 400 pixels.
ANIMEFACE_FRAME = 297


@cache
def _detectors() -> Detectors:
    return build(default_chain(None))


def _drawing(face: int) -> bytes:
    """A large JPEG with a drawn face that is framed with about that many pixels."""
    canvas = np.full((*SIZE, 3), 235, np.uint8)
    side = round(face * 400 / ANIMEFACE_FRAME)
    small = cv2.resize(anime_face(), (side, side), interpolation=cv2.INTER_AREA)
    canvas[300 : 300 + side, 500 : 500 + side] = small
    _, encoded = cv2.imencode(".jpg", canvas, (cv2.IMWRITE_JPEG_QUALITY, 95))
    return encoded.tobytes()


def _look(data: bytes, *, whole: bool = False) -> Examined:
    return look(data, _detectors(), whole=whole, max_pixels=100_000_000)


@pytest.mark.parametrize("face", [420, 230])
def test_a_crop_is_as_fine_as_the_full_image_gives(face: int) -> None:
    """However far a large JPEG was reduced for the search, the crop has all its 192 pixels."""
    (found,) = _look(_drawing(face)).faces
    crop = np.asarray(cv2.imdecode(np.frombuffer(found.crop.jpeg, np.uint8), cv2.IMREAD_COLOR))
    assert max(crop.shape) == 192
    assert 500 < found.face.box.x0 < 500 + face


def test_boxes_are_in_pixels_of_the_full_image() -> None:
    """A reduced image reports its full size, and boxes that fit it."""
    report = _look(_drawing(360))
    assert (report.width, report.height) == (SIZE[1], SIZE[0])
    assert report.outcome == Outcome.FACES


def test_an_image_without_a_face_leaves_a_preview() -> None:
    """What shows no face can be reviewed without the archive."""
    _, encoded = cv2.imencode(".jpg", np.full((*SIZE, 3), 200, np.uint8))
    report = _look(encoded.tobytes())
    assert (report.outcome, report.reason) == (Outcome.NO_FACE, "no_face_found")
    assert report.preview is not None


def test_a_ready_made_crop_is_the_face_itself() -> None:
    """A large crop is reduced, and its box is the whole of it."""
    (found,) = _look(_drawing(360), whole=True).faces
    assert (found.face.box.width, found.face.box.height) == (SIZE[1], SIZE[0])
    assert found.pixels.shape == (96, 96, 3)


def test_bytes_that_are_no_image_are_one_outcome() -> None:
    """Nothing is raised for what an archive holds."""
    assert _look(b"no image").outcome == Outcome.UNREADABLE
