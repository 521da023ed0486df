"""The default chain against verdicts on each of its boxes, judged by eye, on 128 drawings."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from db.records import Box
from worker.vision.chain import default_chain
from worker.vision.decode import decode, read_header
from worker.vision.detect import Detectors, build, overlap

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("KAOLABEL_DEV_DATA", ROOT.parent / "shared"))
CASCADE = DATA / "cascades" / "lbpcascade_animeface.xml"
IMAGES = DATA / "data"
FOLDERS = ("keima/raw", "keima/raw (unrecognized)")
VERDICTS = ROOT / "tests" / "fixtures" / "keima_faces.tsv"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a box, looked at, holds a face."""

    box: Box
    is_face: bool


def _verdicts() -> dict[str, list[Verdict]]:
    verdicts: dict[str, list[Verdict]] = {}
    with VERDICTS.open(newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            box = Box(int(row["x0"]), int(row["y0"]), int(row["x1"]), int(row["y1"]))
            verdict = Verdict(box, row["verdict"] == "face")
            verdicts.setdefault(row["path"], []).append(verdict)
    return verdicts


def _find(detectors: Detectors, path: Path) -> list[Box]:
    data = path.read_bytes()
    decoded = decode(data, read_header(data, max_pixels=100_000_000), long_side=1600)
    return [face.box for face in detectors.find_faces(decoded)]


def _is_face(box: Box, verdicts: list[Verdict]) -> bool:
    best = max(verdicts, key=lambda verdict: overlap(box, verdict.box), default=None)
    return best is not None and best.is_face and overlap(box, best.box) >= 0.5


@pytest.mark.skipif(
    not (CASCADE.is_file() and (IMAGES / FOLDERS[0]).is_dir()),
    reason="needs the development images and the LBP cascade: set KAOLABEL_DEV_DATA",
)
def test_the_default_chain_finds_the_faces_and_little_else() -> None:
    """At least 125 of 128 images give a face, and at most 8% of all boxes hold none."""
    detectors = build(default_chain(CASCADE))
    verdicts = _verdicts()
    images = sorted(path for folder in FOLDERS for path in (IMAGES / folder).glob("*/*"))
    found = {
        path: [
            _is_face(box, verdicts.get(str(path.relative_to(IMAGES)), []))
            for box in _find(detectors, path)
        ]
        for path in images
    }
    judged = [is_face for boxes in found.values() for is_face in boxes]
    assert len(images) == 128
    assert sum(any(boxes) for boxes in found.values()) >= 125
    assert judged.count(False) <= 0.08 * len(judged)
