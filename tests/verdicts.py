"""What people said of the boxes that detectors find in the development images."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from db.records import Box
from worker.vision.detect import overlap

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FIXTURES = Path(__file__).parent / "fixtures"

# The verdicts of each set, and where its images are below the development data's `data`.
_SETS = {
    "keima": ("keima_faces.tsv", ("keima/raw/*/*", "keima/raw (unrecognized)/*/*")),
    "scenes": ("scenes_faces.tsv", ("newgame/raw/*/*.*", "scenes/*.*")),
}
SETS = tuple(_SETS)

# Boxes of the same thing overlap by as much.
_SAME = 0.4


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a box, looked at, holds a face."""

    box: Box
    is_face: bool


def judged_images(name: str, *, data: Path) -> Mapping[Path, Sequence[Verdict]]:
    """The images of a set, sorted within each of its folders, with the verdicts on their boxes."""
    fixture, patterns = _SETS[name]
    verdicts = _read(_FIXTURES / fixture)
    images = (path for pattern in patterns for path in sorted(data.glob(pattern)))
    return {path: verdicts.get(str(path.relative_to(data)), []) for path in images}


def is_face(box: Box, verdicts: Sequence[Verdict]) -> bool:
    """Whether the verdict on a box, or on one much like it, was a face; without one it is none."""
    best = max(verdicts, key=lambda verdict: overlap(box, verdict.box), default=None)
    return best is not None and best.is_face and overlap(box, best.box) >= _SAME


def _read(file: Path) -> dict[str, list[Verdict]]:
    verdicts: dict[str, list[Verdict]] = {}
    with file.open(newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            box = Box(int(row["x0"]), int(row["y0"]), int(row["x1"]), int(row["y1"]))
            verdicts.setdefault(row["path"], []).append(Verdict(box, row["verdict"] == "face"))
    return verdicts
