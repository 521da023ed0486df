"""Pretraining runs: what they leave, and how they go on."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from db.errors import UsageError
from training.pretraining.run import Paths, pretrain
from training.pretraining.settings import Phase, Pretraining
from worker.models import backbone, drawn

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = Pretraining(
    phases=(Phase(48, 4),), taps=("mixed0", "mixed1"), characters=3, views=2, seed=1
)


class StoppedError(Exception):
    """Somebody pressed Ctrl-C."""


def run(folder: Path, settings: Pretraining = SETTINGS, *, stop: int = 0) -> Path:
    """Pretrain, or stop after some steps."""

    def progress(_stage: str, done: int, _total: int, _detail: str = "", /) -> None:
        if done == stop:
            raise StoppedError

    return pretrain(settings, folder=folder, every=2, bfloat16=False, progress=progress)


def curve(folder: Path) -> list[dict[str, float]]:
    """The lines of a curve without those numbers that no two runs share."""
    rows = [json.loads(line) for line in Paths(folder).curve.read_text().splitlines()]
    return [{k: v for k, v in row.items() if k != "faces_per_second"} for row in rows]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a pretraining that nobody stopped."""
    folder = tmp_path_factory.mktemp("whole")
    run(folder)
    return folder


def test_it_leaves_weights_and_a_curve(whole: Path) -> None:
    """After every two steps there are a line of the curve and weights that can be used."""
    assert [row["step"] for row in curve(whole)] == [2, 4]
    learned = drawn.load(Paths(whole).weights(4))
    seeded = backbone.obtain(backbone.SEEDED, home=whole).tensors
    moved = {name for name in seeded if not np.array_equal(learned[name], seeded[name])}
    assert "conv2d_00/kernel" in moved
    # Above the deepest tap nothing learns.
    assert not any(name.startswith("conv2d_93/") for name in moved)
    for row in curve(whole):
        assert 0 <= row["recognized"] <= 1
        assert np.isclose(row["loss"], row["contrast"] + row["traits"], atol=1e-3)


def test_one_that_was_stopped_ends_as_if_it_had_not_been(whole: Path, tmp_path: Path) -> None:
    """It goes on after its last state, with the same curve and the same weights."""
    with pytest.raises(StoppedError):
        run(tmp_path, stop=3)
    assert [row["step"] for row in curve(tmp_path)] == [2]
    run(tmp_path)
    assert [row["step"] for row in curve(tmp_path)] == [2, 4]
    one, other = (drawn.load(Paths(folder).weights(4)) for folder in (whole, tmp_path))
    for name, values in one.items():
        np.testing.assert_allclose(other[name], values, atol=2e-3, err_msg=name)


def test_one_that_is_done_stays_as_it_is(whole: Path) -> None:
    """Asked for once more, it names the same weights and learns nothing."""
    before = Paths(whole).weights(4).read_bytes()
    assert run(whole) == Paths(whole).weights(4)
    assert Paths(whole).weights(4).read_bytes() == before
    assert len(curve(whole)) == 2


def test_other_settings_are_refused(whole: Path) -> None:
    """A folder holds one pretraining."""
    with pytest.raises(UsageError, match="other settings"):
        run(whole, replace(SETTINGS, seed=2))


@pytest.mark.parametrize(
    ("taps", "why"),
    [
        ((), "taps must be"),
        (("mixed5", "mixed3"), "from the first to the deepest"),
        (("mixed3", "conv2d_1"), "taps must be"),
    ],
)
def test_taps_are_checked(taps: tuple[str, ...], why: str) -> None:
    """What cannot be learned is refused before anything is drawn."""
    with pytest.raises(ValueError, match=why):
        replace(SETTINGS, taps=taps)


@pytest.mark.parametrize(("size", "steps"), [(47, 1), (513, 1), (96, 0)])
def test_phases_are_checked(size: int, steps: int) -> None:
    """A phase has faces of a useful size, and a step."""
    with pytest.raises(ValueError, match="a phase needs"):
        Phase(size, steps)
