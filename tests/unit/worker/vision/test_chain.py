"""Chains: their ids, their journey as JSON, and the cascades that they are made of."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from db.errors import DetectorError
from worker.vision import chain as chain_module
from worker.vision.chain import LBP_SHA256, Chain, Step, default_chain, find_cascade

HUMAN = "haarcascade_frontalface_default"


def _sample() -> Chain:
    cascade = Path("/somewhere/lbp.xml")
    return Chain((Step("lbp", LBP_SHA256, 400, 3, 1.1, cascade), Step("animeface", "2.0.3", 480)))


def test_an_id_names_detectors_parameters_and_versions() -> None:
    """The id of a chain can be read by people."""
    assert _sample().id == f"lbp:9376d30a@400n3x1.1+animeface:2.0.3@480+r{chain_module.REVISION}"


@pytest.mark.parametrize(
    "change",
    [
        {"detector": "x"},
        {"version": "0" * 64},
        {"long_side": 401},
        {"min_neighbors": 4},
        {"scale_factor": 1.2},
    ],
)
def test_every_parameter_changes_the_id(change: dict[str, str | float]) -> None:
    """Chains that may give different results never share an id."""
    first, *others = _sample().steps
    changed = Chain((replace(first, **change), *others))  # type: ignore[arg-type]  # mixed values
    assert changed.id != _sample().id


def test_a_chain_knows_the_largest_size_that_it_searches() -> None:
    """An image may be decoded no smaller than its largest search."""
    assert _sample().long_side == 480


def test_the_revision_of_our_code_changes_the_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stored detections are not reused once our own code gives other results."""
    before = _sample().id
    monkeypatch.setattr(chain_module, "REVISION", chain_module.REVISION + 1)
    assert _sample().id != before


def test_the_place_of_the_cascade_does_not_change_the_id() -> None:
    """Workers that keep the same cascade in different folders share results."""
    first, *others = _sample().steps
    assert Chain((replace(first, cascade=Path("/else")), *others)).id == _sample().id


def test_order_changes_the_id() -> None:
    """The same steps in another order are another chain."""
    assert Chain(_sample().steps[::-1]).id != _sample().id


def test_json_brings_back_the_same_chain() -> None:
    """A chain survives the journey to a decoder process, with a path that is not UTF-8 too."""
    odd = Chain((Step("x", "ab", 400, 3, 1.1, Path("/odd \udcff\n(é)/c.xml")),))
    for original in (_sample(), odd, default_chain(None)):
        text = original.to_json()
        assert text.isascii()
        assert Chain.from_json(text) == original


@pytest.mark.parametrize("text", ["", "{}", "[]", "[1]", '[{"detector": "lbp"}]', "null"])
def test_json_of_no_chain_is_refused(text: str) -> None:
    """Text that describes no chain is a DetectorError, not a crash."""
    with pytest.raises(DetectorError):
        Chain.from_json(text)


def test_without_a_cascade_animeface_searches_alone() -> None:
    """The chain that needs no download has animeface steps only."""
    chain = default_chain(None)
    assert {step.detector for step in chain.steps} == {"animeface"}


def test_another_cascade_searches_alone_under_its_own_name(tmp_path: Path) -> None:
    """A cascade for other faces brings no anime detector along, and is named by its file."""
    content = b"<?xml version='1.0'?><opencv_storage><cascade/></opencv_storage>"
    path = tmp_path / ("my faces+(2) " + "x" * 80 + ".xml")
    path.write_bytes(content)
    chain = default_chain(path)
    assert {step.detector for step in chain.steps} == {("my_faces__2__" + "x" * 80)[:40]}
    assert {step.version for step in chain.steps} == {hashlib.sha256(content).hexdigest()}
    assert len(chain.id) <= 200


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"\x89PNG"])
def test_a_file_that_is_no_cascade_is_refused(tmp_path: Path, content: bytes) -> None:
    """An empty file, an error page and an image are refused before OpenCV sees them."""
    path = tmp_path / "cascade.xml"
    path.write_bytes(content)
    with pytest.raises(DetectorError, match=r"cascade\.xml"):
        default_chain(path)


def test_a_missing_cascade_or_a_folder_is_refused(tmp_path: Path) -> None:
    """What is no file is named in the error."""
    for path in (tmp_path / "missing.xml", tmp_path):
        with pytest.raises(DetectorError, match="no cascade file"):
            default_chain(path)


def test_the_cascades_of_the_opencv_package_are_found_by_name(tmp_path: Path) -> None:
    """A name, with or without .xml, finds the packaged cascade, and a path finds a file."""
    own = tmp_path / "own.xml"
    own.touch()
    assert find_cascade(HUMAN) == find_cascade(f"{HUMAN}.xml")
    assert find_cascade(HUMAN).is_file()
    assert find_cascade(str(own)) == own
    assert default_chain(find_cascade(HUMAN)).steps[0].detector == HUMAN


@pytest.mark.parametrize("name", ["nothing", "../__init__", ""])
def test_an_unknown_name_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is neither a file nor a packaged cascade says what can be given instead."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DetectorError, match=r"haarcascade_frontalface_default|no cascade file"):
        default_chain(find_cascade(name))


def test_naming_a_chain_loads_no_detector() -> None:
    """The producer can name a chain without loading OpenCV or animeface."""
    code = (
        "import sys; from worker.vision.chain import *;"
        f"default_chain(None); default_chain(find_cascade({HUMAN!r}));"
        "sys.exit(bool({'cv2', 'animeface', 'numpy', 'PIL'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
