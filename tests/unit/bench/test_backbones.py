"""The comparison of backbones: what is kept, and what is shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.backbones import Results, checkpoints, show_curve, trials_of


def row(**changed: Any) -> dict[str, Any]:
    """A row of results, changed as a test needs it."""
    found = {"n": 4, "correct": 3, "top1": 0.75, "wilson": [0.3, 0.9], "calibration_error": 0.1}
    names = {"trial": "newgame", "backbone": "step-2", "way": "frozen", "weights": "aa"}
    return names | found | {"seconds": 1.0, "machine": "one"} | changed


def test_what_was_measured_of_the_same_weights_is_kept(tmp_path: Path) -> None:
    """Rows in the file count as measured until the backbone of that name has other weights."""
    file = tmp_path / "results.json"
    Results.at(file).add(row())
    again = Results.at(file)
    assert again.has(row())
    assert not again.has(row(weights="bb"))
    again.add(row(weights="bb", correct=4))
    assert [(kept["weights"], kept["correct"]) for kept in json.loads(file.read_text())] == [
        ("bb", 4)
    ]


def test_checkpoints_come_in_the_order_of_their_steps(tmp_path: Path) -> None:
    """Numbers in names are compared as numbers, and other files are passed over."""
    for name in ("step-1000.safetensors", "step-200.safetensors", "state.safetensors"):
        (tmp_path / name).touch()
    assert [path.stem for path in checkpoints(tmp_path)] == ["step-200", "step-1000"]


def test_a_folder_without_checkpoints_is_refused(tmp_path: Path) -> None:
    """An empty folder ends the benchmark with a message that names it."""
    with pytest.raises(SystemExit, match=r"no step-\*\.safetensors file in"):
        checkpoints(tmp_path)


def test_a_curve_has_a_line_for_each_checkpoint(capsys: pytest.CaptureFixture[str]) -> None:
    """What was not measured of a checkpoint shows as a dash."""
    rows = [row(), row(backbone="step-3"), row(trial="keima", top1=0.5), row(backbone="seeded")]
    show_curve(Results(rows, None), ["step-2", "step-3"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["newgame", "keima"],
        ["step-2", "frozen", "75.0%", "50.0%"],
        ["step-3", "frozen", "75.0%", "-"],
    ]


def test_strangers_are_a_trial_like_a_set() -> None:
    """Whoever asks for unknown faces alone gets that row alone, and no set is read."""
    assert [name for name, _ in trials_of(["unknown"], 5, parts=True)] == ["unknown"]
