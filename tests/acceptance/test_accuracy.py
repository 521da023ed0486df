"""The accuracy that training promises, on the development data."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from db.records import Box, DetectedFace, Outcome
from training.evaluate import evaluate
from training.sources import from_folder
from training.trainer import Plan, train
from worker.sandbox.examined import Examined, ExaminedFace
from worker.vision.crop import face_input, whole
from worker.vision.embed import Embedder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from training.evaluate import Evaluation
    from training.trainer import TrainedModel

DATA = Path(os.environ.get("KAOLABEL_DEV_DATA", Path(__file__).parents[3] / "shared"))
CROPS = DATA / "data" / "keima"
WEIGHTS = DATA / "weights" / "inception_v3_drawings.weights.h5"


def examine(items: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, Examined]]:
    """Take trusted images for faces, in this process."""
    for index, data in items:
        pixels = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), np.uint8)
        height, width = pixels.shape[:2]
        crop = whole(pixels)
        face = DetectedFace(Box(0, 0, width, height), "whole", 1.0)
        found = ExaminedFace(face, crop, face_input(crop, size=96))
        yield index, Examined(Outcome.FACES, width=width, height=height, faces=(found,))


def no_progress(_stage: str, _done: int, _total: int, _detail: str = "") -> None:
    """Show nothing."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of kaolabel's own."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def trained(home: Path) -> TrainedModel:
    """A model of the three characters."""
    if not CROPS.is_dir() or not WEIGHTS.is_file():
        pytest.skip(f"the development data is not at {DATA}; set KAOLABEL_DEV_DATA")
    examples = from_folder(
        CROPS / "resized_for_training", least_usable=0.5, examine=examine, progress=no_progress
    )
    plan = Plan(backbone=str(WEIGHTS))
    return train(examples, plan=plan, home=home, parent=None, progress=no_progress)


def measure(name: str, trained: TrainedModel, home: Path) -> Evaluation:
    """Evaluate a model on one of the test sets."""
    return evaluate(
        CROPS / name,
        crops=True,
        embedder=Embedder(trained.artifact.manifest.embedder, home=home),
        head=trained.artifact.head,
        examine=examine,
        progress=no_progress,
    )


def test_labels_the_test_crops(trained: TrainedModel, home: Path) -> None:
    """At least 17 of the 18 test crops get their label."""
    found = measure("resized_for_test", trained, home)
    assert found.judged["n"] == 18
    assert found.judged["correct"] >= 17


def test_labels_crops_that_another_detector_found(trained: TrainedModel, home: Path) -> None:
    """At least 12 of the 13 crops of faces that the first detector missed get their label."""
    found = measure("resized_for_test_unrecognized", trained, home)
    assert found.judged["n"] == 13
    assert found.judged["correct"] >= 12
