"""`kaolabel pretrain`: a backbone from nothing but drawn faces."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from tests.command import Kaolabel, finish, wait_for

if TYPE_CHECKING:
    from pathlib import Path

SHORT = ("--phase", "48:4", "--taps", "mixed0", "--characters", "2", "--views", "2", "--every", "2")


def test_one_that_is_interrupted_goes_on(tmp_path: Path) -> None:
    """Ctrl-C leaves a state; the command goes on from it, and its weights can be trained on."""
    kaolabel, out = Kaolabel(tmp_path / "home"), tmp_path / "weights"
    longer = ("pretrain", "--out", str(out), *SHORT, "--phase", "48:400")
    first = kaolabel.start(*longer)
    wait_for((out / "state.safetensors").exists, what="a state")
    first.send_signal(signal.SIGINT)
    done = finish(first)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr

    refused = kaolabel.run("pretrain", "--out", str(out), *SHORT)
    assert refused.returncode == 2
    assert "other settings" in refused.stderr.splitlines()[-1]

    steps = len((out / "curve.jsonl").read_text().splitlines())
    second = kaolabel.start(*longer)
    wait_for(
        lambda: len((out / "curve.jsonl").read_text().splitlines()) > steps, what="another line"
    )
    second.send_signal(signal.SIGTERM)
    assert finish(second).returncode == 130

    faces = tmp_path / "faces"
    for label, shade in (("dark", 40), ("light", 200)):
        (faces / label).mkdir(parents=True)
        for number in range(6):
            face = np.random.default_rng([shade, number]).normal(shade, 30, (96, 96, 3))
            cv2.imwrite(str(faces / label / f"{number}.png"), face.clip(0, 255).astype(np.uint8))
    weights = str(min(out.glob("step-*.safetensors")))
    trained = kaolabel.json(
        "train", str(faces), "--crops", "--backbone", weights, "--taps", "mixed0"
    )
    assert trained["version"] == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--phase", "large"), "--phase is a size and steps"),
        (("--phase", "20:5"), "a phase needs faces of"),
        (("--taps", "mixed5+mixed3"), "from the first to the deepest"),
        (("--views", "1"), "--views"),
        (("--contact-sheet", "sheet.exe"), "must end with .png"),
    ],
)
def test_wrong_options_are_one_line(tmp_path: Path, options: tuple[str, ...], says: str) -> None:
    """Nothing is begun, and the line says what would be right."""
    done = Kaolabel(tmp_path / "home").run("pretrain", "--out", str(tmp_path / "out"), *options)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_contact_sheet_is_drawn(tmp_path: Path) -> None:
    """A hundred characters in four views each, and nothing else."""
    sheet = tmp_path / "characters.png"
    told = Kaolabel(tmp_path / "home").json("pretrain", "--contact-sheet", str(sheet))
    assert told == {"contact_sheet": str(sheet)}
    drawn = cv2.imread(str(sheet))
    assert drawn is not None
    assert drawn.shape == (20 * 96, 20 * 96, 3)
