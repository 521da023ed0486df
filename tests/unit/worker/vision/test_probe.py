"""The self-check: face detectors pass, and what detects something else is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from db.errors import DetectorError
from worker.vision.chain import default_chain, find_cascade
from worker.vision.probe import check

DATA = Path(os.environ.get("KAOLABEL_DEV_DATA", Path(__file__).parents[5] / "shared"))
LBP = DATA / "cascades" / "lbpcascade_animeface.xml"


def test_animeface_passes() -> None:
    """The animeface package finds the drawn anime face with the pinned Pillow."""
    check(default_chain(None))


@pytest.mark.parametrize("name", ["default", "alt", "alt2", "alt_tree"])
def test_human_face_cascades_pass(name: str) -> None:
    """OpenCV's own cascades for frontal faces find the drawn human face."""
    check(default_chain(find_cascade(f"haarcascade_frontalface_{name}")))


@pytest.mark.parametrize(
    "name",
    [
        "haarcascade_eye",
        "haarcascade_lefteye_2splits",
        "haarcascade_smile",
        "haarcascade_russian_plate_number",
        "haarcascade_fullbody",
        "haarcascade_upperbody",
    ],
)
def test_cascades_for_other_things_are_refused(name: str) -> None:
    """Eyes, mouths, bodies and number plates are not taken for faces."""
    with pytest.raises(DetectorError, match="finds no face in drawings of one"):
        check(default_chain(find_cascade(name)))


def test_an_animeface_that_finds_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What animeface does with a Pillow of another memory layout, to find nothing, is refused."""
    monkeypatch.setattr("animeface.detect", lambda _: [])
    with pytest.raises(DetectorError, match="pillow<12"):
        check(default_chain(None))


@pytest.mark.skipif(not LBP.is_file(), reason="needs the LBP cascade: set KAOLABEL_DEV_DATA")
def test_the_lbp_anime_cascade_passes() -> None:
    """Every step of the default chain finds a drawn face."""
    check(default_chain(LBP))
