"""The default chain against verdicts on each of its boxes, judged by eye, on 367 drawings."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.verdicts import is_face, judged_images
from worker.sandbox.look import look
from worker.vision.chain import default_chain
from worker.vision.detect import Detectors, build

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("KAOLABEL_DEV_DATA", ROOT.parent / "shared"))
CASCADE = DATA / "cascades" / "lbpcascade_animeface.xml"

pytestmark = pytest.mark.skipif(
    not (CASCADE.is_file() and (DATA / "data" / "keima" / "raw").is_dir()),
    reason="needs the development images and the LBP cascade: set KAOLABEL_DEV_DATA",
)


@dataclass(frozen=True, slots=True)
class Found:
    """What a chain finds in a set of images, by the verdicts.

    Attributes:
        images: that were searched.
        with_face: images in which a box holds a face.
        faces: boxes that hold a face.
        wrong: boxes that hold none, and such as nobody has looked at.
    """

    images: int
    with_face: int
    faces: int
    wrong: int


@cache
def _detectors() -> Detectors:
    return build(default_chain(CASCADE))


def _found(name: str) -> Found:
    judged = []
    for path, verdicts in judged_images(name, data=DATA / "data").items():
        report = look(path.read_bytes(), _detectors(), max_pixels=100_000_000)
        judged.append([is_face(face.face.box, verdicts) for face in report.faces])
    faces = sum(sum(boxes) for boxes in judged)
    return Found(len(judged), sum(map(any, judged)), faces, sum(map(len, judged)) - faces)


def test_the_default_chain_finds_the_faces_and_little_else() -> None:
    """Of 128 drawings of one character each at least 125 give their face; 5 boxes hold none."""
    found = _found("keima")
    assert found.images == 128
    assert found.with_face >= 125
    assert found.wrong <= 5


def test_scenes_give_their_faces_and_few_other_boxes() -> None:
    """In 239 scenes with groups, strangers, or nobody, most faces are found; few boxes are wrong.

    198 of the scenes have one of 368 faces that some search of some detector finds.
    """
    found = _found("scenes")
    assert found.images == 239
    assert found.with_face >= 188
    assert found.faces >= 265
    assert found.wrong <= 34
