"""Detectors on drawn faces: coordinates, order, filters, and chains that cannot be loaded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from db.errors import DetectorError
from db.records import Box, DetectedFace
from worker.vision.chain import Chain, Step, default_chain, find_cascade
from worker.vision.decode import Decoded
from worker.vision.detect import Detectors, Finder, Hit, build, overlap
from worker.vision.probe import anime_face, human_face
from worker.vision.view import View

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

DRAWN = Box(85, 125, 315, 355)


def _decoded(pixels: NDArray[np.uint8], *, scale: float = 1.0) -> Decoded:
    height, width = pixels.shape[:2]
    return Decoded(pixels, round(width / scale), round(height / scale), scale)


def _finder(*hits: Hit, name: str = "fake") -> Finder:
    return Finder(Step(name, "0", 100), lambda _: list(hits))


def _find(*hits: Hit, width: int = 100, height: int = 100) -> tuple[DetectedFace, ...]:
    return _finder(*hits).find(View(_decoded(np.zeros((height, width, 3), np.uint8))))


def test_animeface_finds_a_drawn_face_in_upright_pixels() -> None:
    """A drawn face is found where it was drawn, also within a larger and a reduced image."""
    detectors = build(default_chain(None))
    canvas = np.full((600, 1000, 3), 240, np.uint8)
    canvas[150:550, 500:900] = anime_face()
    shifted = Box(DRAWN.x0 + 500, DRAWN.y0 + 150, DRAWN.x1 + 500, DRAWN.y1 + 150)
    (face,) = detectors.find_faces(_decoded(canvas))
    assert overlap(face.box, shifted) > 0.5
    assert face.detector == "animeface"
    (reduced,) = detectors.find_faces(_decoded(canvas, scale=0.5))
    doubled = Box(*(2 * edge for edge in (shifted.x0, shifted.y0, shifted.x1, shifted.y1)))
    assert overlap(reduced.box, doubled) > 0.5


def test_a_human_cascade_finds_all_faces_largest_first() -> None:
    """Two faces of different size are both found, the larger one first."""
    canvas = np.full((400, 700, 3), 200, np.uint8)
    canvas[100:300, 0:200] = cv2.resize(human_face(), (200, 200), interpolation=cv2.INTER_AREA)
    canvas[:, 250:650] = human_face()
    faces = build(default_chain(find_cascade("haarcascade_frontalface_alt2"))).find_faces(
        _decoded(canvas)
    )
    assert [face.box.x0 > 200 for face in faces] == [True, False]


def test_an_image_without_faces_gives_none() -> None:
    """A plain image and one pixel give no faces and no error."""
    for cascade in (None, find_cascade("haarcascade_frontalface_alt2")):
        detectors = build(default_chain(cascade))
        for shape in ((300, 400, 3), (1, 1, 3), (1, 5000, 3)):
            assert detectors.find_faces(_decoded(np.full(shape, 128, np.uint8))) == ()


def test_later_steps_run_only_where_earlier_ones_found_nothing() -> None:
    """The first step with a face decides."""
    none, first = _finder(), _finder(Hit(10, 10, 50, 50, 1), name="first")
    second = _finder(Hit(20, 20, 90, 90, 1), name="second")
    detectors = Detectors(default_chain(None), (none, first, second))
    faces = detectors.find_faces(_decoded(np.zeros((100, 100, 3), np.uint8)))
    assert [face.detector for face in faces] == ["first"]


def test_boxes_are_clipped_to_the_image() -> None:
    """A box that reaches a little beyond the image ends at its edge."""
    (face,) = _find(Hit(-5, 60.4, 40, 105, 1))
    assert face.box == Box(0, 60, 40, 100)


@pytest.mark.parametrize(
    "hit",
    [
        Hit(10, 10, 20, 20, 1),
        Hit(10, 10, 90, 40, 1),
        Hit(-50, 10, 40, 100, 1),
        Hit(200, 200, 300, 300, 1),
    ],
    ids=["tiny", "long", "mostly outside", "outside"],
)
def test_absurd_boxes_are_dropped(hit: Hit) -> None:
    """Boxes that are tiny, long, or mostly outside the image are no faces."""
    assert _find(hit) == ()


def test_doubles_of_a_face_are_dropped() -> None:
    """Of boxes that overlap by more than 40% the largest stays; neighbours stay both."""
    big, double, other = Hit(0, 0, 50, 50, 1), Hit(5, 5, 48, 48, 9), Hit(52, 0, 90, 38, 1)
    assert [face.box for face in _find(double, other, big)] == [
        Box(0, 0, 50, 50),
        Box(52, 0, 90, 38),
    ]


def test_the_order_does_not_depend_on_the_detector() -> None:
    """Boxes of equal size come from top to bottom, left to right."""
    hits = [Hit(60, 0, 90, 30, 1), Hit(0, 60, 30, 90, 1), Hit(0, 0, 30, 30, 1)]
    expected = [Box(0, 0, 30, 30), Box(60, 0, 90, 30), Box(0, 60, 30, 90)]
    assert [face.box for face in _find(*hits)] == expected
    assert [face.box for face in _find(*hits[::-1])] == expected


def test_a_noisy_dark_patch_is_no_face() -> None:
    """A face so faint that its contrast is noise is not found, and a normal one is."""
    detectors = build(default_chain(find_cascade("haarcascade_frontalface_alt2")))
    faint = (human_face() / 40 + 10).astype(np.uint8)
    assert detectors.find_faces(_decoded(faint)) == ()
    assert len(detectors.find_faces(_decoded(human_face()))) == 1


def test_a_changed_cascade_is_refused(tmp_path: Path) -> None:
    """A cascade whose content is not what the chain names is not used under its id."""
    path = tmp_path / "c.xml"
    path.write_bytes(find_cascade("haarcascade_frontalface_alt2").read_bytes())
    chain = default_chain(path)
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(DetectorError, match="not the one that the chain names"):
        build(chain)


def test_a_cascade_that_opencv_cannot_load_is_refused(tmp_path: Path) -> None:
    """A file with the right words but no cascade in it is refused."""
    path = tmp_path / "c.xml"
    for content in (b"<?xml version='1.0'?><opencv_storage></opencv_storage>", b"opencv_storage"):
        path.write_bytes(content)
        with pytest.raises(DetectorError, match=r"c\.xml"):
            build(default_chain(path))


def test_a_cascade_that_is_gone_is_refused(tmp_path: Path) -> None:
    """A chain from another machine, whose cascade is not here, is refused."""
    step = Step("lbp", "0" * 64, 400, 3, 1.1, tmp_path / "missing.xml")
    with pytest.raises(DetectorError, match=r"missing\.xml"):
        build(Chain((step,)))


def test_another_version_of_animeface_is_refused() -> None:
    """Results are not stored under the id of a version that did not give them."""
    (step, *_) = default_chain(None).steps
    with pytest.raises(DetectorError, match=r"9\.9"):
        build(Chain((replace(step, version="9.9"),)))
