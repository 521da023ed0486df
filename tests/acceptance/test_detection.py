"""The default chain against verdicts on each of its boxes, judged by eye, on 367 drawings."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from db.records import Box
from worker.sandbox.look import look
from worker.vision.chain import default_chain
from worker.vision.detect import Detectors, build, overlap

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("KAOLABEL_DEV_DATA", ROOT.parent / "shared"))
CASCADE = DATA / "cascades" / "lbpcascade_animeface.xml"
IMAGES = DATA / "data"
VERDICTS = ROOT / "tests" / "fixtures"

pytestmark = pytest.mark.skipif(
    not (CASCADE.is_file() and (IMAGES / "keima" / "raw").is_dir()),
    reason="needs the development images and the LBP cascade: set KAOLABEL_DEV_DATA",
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a box, looked at, holds a face."""

    box: Box
    is_face: bool


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


def _verdicts(name: str) -> dict[str, list[Verdict]]:
    verdicts: dict[str, list[Verdict]] = {}
    with (VERDICTS / name).open(newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            box = Box(int(row["x0"]), int(row["y0"]), int(row["x1"]), int(row["y1"]))
            verdict = Verdict(box, row["verdict"] == "face")
            verdicts.setdefault(row["path"], []).append(verdict)
    return verdicts


@cache
def _detectors() -> Detectors:
    return build(default_chain(CASCADE))


def _is_face(box: Box, verdicts: list[Verdict]) -> bool:
    best = max(verdicts, key=lambda verdict: overlap(box, verdict.box), default=None)
    return best is not None and best.is_face and overlap(box, best.box) >= 0.4


def _found(fixture: str, *patterns: str) -> Found:
    verdicts = _verdicts(fixture)
    images = sorted(path for pattern in patterns for path in IMAGES.glob(pattern))
    judged = []
    for path in images:
        report = look(path.read_bytes(), _detectors(), max_pixels=100_000_000)
        known = verdicts.get(str(path.relative_to(IMAGES)), [])
        judged.append([_is_face(face.face.box, known) for face in report.faces])
    faces = sum(sum(boxes) for boxes in judged)
    return Found(len(images), sum(map(any, judged)), faces, sum(map(len, judged)) - faces)


def test_the_default_chain_finds_the_faces_and_little_else() -> None:
    """Of 128 drawings of one character each at least 125 give their face; 5 boxes hold none."""
    found = _found("keima_faces.tsv", "keima/raw/*/*", "keima/raw (unrecognized)/*/*")
    assert found.images == 128
    assert found.with_face >= 125
    assert found.wrong <= 5


def test_scenes_give_their_faces_and_few_other_boxes() -> None:
    """In 239 scenes with groups, strangers, or nobody, most faces are found; few boxes are wrong.

    198 of the scenes have one of 368 faces that some search of some detector finds.
    """
    found = _found("scenes_faces.tsv", "newgame/raw/*/*.*", "scenes/*.*")
    assert found.images == 239
    assert found.with_face >= 188
    assert found.faces >= 265
    assert found.wrong <= 34
