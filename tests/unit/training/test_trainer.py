"""Training and evaluating, from folders to an artifact, with the untrained backbone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from db.errors import UsageError
from db.records import Box, DetectedFace, Outcome
from training.evaluate import Evaluation, evaluate
from training.sources import from_folder
from training.trainer import Plan, TrainedModel, train
from worker.models import artifact as artifacts
from worker.sandbox.examined import Examined, ExaminedFace
from worker.vision.crop import face_input, whole
from worker.vision.embed import Embedder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

COLOURS = {"blue": (200, 60, 30), "green": (40, 190, 50), "red": (30, 40, 210)}


def examine(items: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, Examined]]:
    """Take images that this file wrote for faces."""
    for index, data in items:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        if pixels is None:
            yield index, Examined(Outcome.UNREADABLE, reason="damaged", detail="no image")
            continue
        crop = whole(np.asarray(pixels, np.uint8))
        face = DetectedFace(Box(0, 0, 96, 96), "whole", 1.0)
        found = ExaminedFace(face, crop, face_input(crop, size=96))
        yield index, Examined(Outcome.FACES, faces=(found,))


def no_progress(_stage: str, _done: int, _total: int, _detail: str = "") -> None:
    """Show nothing."""


def draw(folder: Path, *, each: int, seed: int) -> Path:
    """Write noisy squares, one colour a label."""
    rng = np.random.default_rng(seed)
    for label, colour in COLOURS.items():
        (folder / label).mkdir(parents=True)
        for number in range(each):
            pixels = np.clip(rng.normal(colour, 40, (96, 96, 3)), 0, 255).astype(np.uint8)
            cv2.imwrite(str(folder / label / f"{number}.png"), pixels)
    return folder


def learn(folder: Path, home: Path, *, seed: int = 0) -> TrainedModel:
    """Train with the untrained backbone."""
    examples = from_folder(folder, least_usable=0.5, examine=examine, progress=no_progress)
    plan = Plan(backbone="seeded", seed=seed)
    return train(examples, plan=plan, home=home, parent=None, progress=no_progress)


def measure(trained: TrainedModel, folder: Path, home: Path) -> Evaluation:
    """Evaluate a trained model."""
    return evaluate(
        folder,
        crops=True,
        embedder=Embedder(trained.artifact.manifest.embedder, home=home),
        head=trained.artifact.head,
        examine=examine,
        progress=no_progress,
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of kaolabel's own."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five images of each colour, and one that is broken."""
    folder = draw(tmp_path_factory.mktemp("data") / "train", each=5, seed=0)
    (folder / "red" / "broken.png").write_bytes(b"broken")
    return folder


@pytest.fixture(scope="module")
def trained(folder: Path, home: Path) -> TrainedModel:
    """A model of the three colours."""
    return learn(folder, home)


def test_a_trained_model_can_be_loaded(trained: TrainedModel, home: Path) -> None:
    """The artifact lies where its hash says."""
    sha256 = trained.artifact.sha256
    assert trained.folder == artifacts.stored_path(sha256, home=home)
    assert artifacts.load(trained.folder, sha256).head.labels == ("blue", "green", "red")


def test_the_manifest_tells_how_it_was_made(trained: TrainedModel) -> None:
    """Counts, hold-out and settings are in the manifest."""
    manifest = trained.artifact.manifest
    assert manifest.labels == {"blue": 5, "green": 5, "red": 5}
    assert manifest.holdout["n"] == manifest.holdout["correct"] >= 3
    assert manifest.holdout["n"] == len(trained.held_out)
    assert manifest.embedder.source == "seeded"


def test_files_that_taught_nothing_are_named(trained: TrainedModel) -> None:
    """A broken image does not stop training, and is listed."""
    assert [(Path(skip.origin).name, skip.reason) for skip in trained.skipped] == [
        ("broken.png", "damaged")
    ]


def test_training_can_be_repeated(trained: TrainedModel, folder: Path, home: Path) -> None:
    """The same data and seed give the same artifact, another seed another."""
    assert learn(folder, home).artifact.sha256 == trained.artifact.sha256
    assert learn(folder, home, seed=1).artifact.sha256 != trained.artifact.sha256


def test_new_images_are_labelled(trained: TrainedModel, home: Path, tmp_path: Path) -> None:
    """Images never seen get their folders' labels."""
    found = measure(trained, draw(tmp_path / "test", each=2, seed=9), home)
    assert (found.images, found.with_face, found.judged["n"], found.judged["correct"]) == (
        6,
        6,
        6,
        6,
    )
    assert found.judged["top1"] == 1
    assert found.unknown_labels == ()


def test_labels_that_are_not_known_count_as_wrong(
    trained: TrainedModel, home: Path, tmp_path: Path
) -> None:
    """A folder that the model does not know is named, and its images are wrong."""
    folder = draw(tmp_path / "test", each=1, seed=9)
    (folder / "red").rename(folder / "purple")
    found = measure(trained, folder, home)
    assert (found.judged["n"], found.judged["correct"]) == (3, 2)
    assert found.unknown_labels == ("purple",)


def test_nothing_to_judge_is_no_error(trained: TrainedModel, home: Path, tmp_path: Path) -> None:
    """A folder in which nothing can be read gives an evaluation of no faces."""
    (tmp_path / "red").mkdir()
    (tmp_path / "red" / "broken.png").write_bytes(b"broken")
    found = measure(trained, tmp_path, home)
    assert (found.images, found.judged["n"], found.judged["top1"]) == (1, 0, None)
    assert len(found.skipped) == 1


def test_a_folder_that_cannot_be_learned_from_is_refused(tmp_path: Path) -> None:
    """Mistakes are found before any image is read or weights are loaded."""
    with pytest.raises(UsageError, match="does not exist"):
        learn(tmp_path / "none", tmp_path / "home")
    assert not (tmp_path / "home").exists()
