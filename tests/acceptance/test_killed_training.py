"""A trainer that is killed at any stage: the active model stays, and the next training starts."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.command import Kaolabel
from tests.crops import draw_crops

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.xdist_group("trainer")

# The real training in a process of its own, which dies without a word when it reaches a stage.
KILLED = """
import os, signal, sys
from pathlib import Path

from db import schema
from db.settings import DatabaseSettings
from training.request import TrainingRequest
from training.run import train_now
from training.settings import TrainingSettings

stage, request = sys.argv[1:]

def die(now, done, total, detail=""):
    if now == stage:
        os.kill(os.getpid(), signal.SIGKILL)

settings = DatabaseSettings()
train_now(
    schema.connect(settings),
    TrainingRequest.model_validate_json(request),
    home=settings.home,
    settings=TrainingSettings(),
    listener=die,
)
"""


@pytest.fixture(scope="module")
def kaolabel(tmp_path_factory: pytest.TempPathFactory) -> Kaolabel:
    """A home with an active model and a stored face for the gate to look at."""
    folder = tmp_path_factory.mktemp("killed")
    kaolabel = Kaolabel(folder / "home", KAOLABEL_BACKBONE="seeded")
    kaolabel.json("train", str(draw_crops(folder / "first", each=6)), "--crops")
    draw_crops(folder / "second", each=12, seed=1)
    (folder / "archive").mkdir()
    face = next((folder / "first").glob("*/*.png"))
    (folder / "archive" / "face.png").write_bytes(face.read_bytes())
    kaolabel.json("label", str(folder / "archive"))
    return kaolabel


def kill_at(kaolabel: Kaolabel, stage: str, request: str) -> None:
    """Train until a stage, in which the process is killed."""
    command = [sys.executable, "-c", KILLED, stage, request]
    killed = subprocess.run(
        command, env=kaolabel.environment, capture_output=True, text=True, check=False, timeout=240
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr


def request(folder: Path, extra: str = "") -> str:
    """A training of the second set of crops, as JSON."""
    return f'{{"folder": "{folder}", "crops": true, "force": true{extra}}}'


@pytest.mark.parametrize("stage", ["reading", "grouping", "embedding", "fitting", "comparing"])
def test_a_killed_training_changes_nothing(kaolabel: Kaolabel, stage: str) -> None:
    """At each stage of a head the active model stays, and nothing is left behind half done."""
    kill_at(kaolabel, stage, request(kaolabel.home.parent / "second"))
    models = kaolabel.json("models")["models"]
    assert models[0]["active"] is True
    for model in models:
        kaolabel.json("models", "show", str(model["version"]))
    # Another process is free to train at once: the dead one holds nothing.
    refused = kaolabel.run("train", str(kaolabel.home / "nowhere"))
    assert "does not exist" in refused.stderr


def test_a_killed_fine_tuning_changes_nothing(kaolabel: Kaolabel) -> None:
    """In the middle of a fine-tuning the same holds."""
    tiny = ', "fine_tune": true, "taps": "mixed0", "size": 75, "epochs": 1'
    kill_at(kaolabel, "fine-tuning", request(kaolabel.home.parent / "second", tiny))
    assert kaolabel.json("models")["models"][0]["active"] is True


def test_after_all_that_a_training_succeeds(kaolabel: Kaolabel) -> None:
    """The next training goes on from what was cached, and is published and activated."""
    second = str(kaolabel.home.parent / "second")
    result = kaolabel.json("train", second, "--crops", "--force")
    assert result["active"] is True
    failed = {one["state"] for one in kaolabel.json("status")["trainings"]}
    assert failed == {"done"}
