"""Fine-tuning, on a few drawn faces and the untrained backbone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.random import PCG64, Generator

from db.errors import UsageError
from training.drawn import cast, draw_face
from training.example import Example
from training.finetuning.tuning import FineTuned, FineTuning, fine_tune
from worker.models import backbone, tensors
from worker.models.network import import_keras
from worker.vision.crop import face_input, whole
from worker.vision.embed import Embedder, EmbedderSpec

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from worker.models.network import Tensors

QUICK = FineTuning(tap="mixed0", size=75, epochs=2, batch=4, rate=1e-3)
# Of each label's three faces the last one is only judged.
HELD = np.array([False, False, True] * 2)


class StoppedError(Exception):
    """Raised when a test stops a fine-tuning."""


class Listener:
    """Remembers what progress was told, and stops what tells it at a step."""

    def __init__(self, *, stop_at: int | None = None) -> None:
        self.steps: list[tuple[str, int, int]] = []
        self.details: list[str] = []
        self._stop_at = stop_at

    def __call__(self, stage: str, done: int, total: int, detail: str = "") -> None:
        """Remember a step."""
        self.steps.append((stage, done, total))
        self.details.append(detail)
        if done == self._stop_at:
            raise StoppedError


def draw() -> list[Example]:
    """Three faces of each of two characters."""
    return [
        Example(whole(draw_face(character, rng=Generator(PCG64(number)))), character.name, "drawn")
        for character in cast(2, seed=1)
        for number in range(3)
    ]


def tune(
    start: Tensors,
    *,
    settings: FineTuning = QUICK,
    validation: NDArray[np.bool_] = HELD,
    checkpoints: Path | None = None,
    progress: Listener | None = None,
) -> FineTuned:
    """Fine-tune on the drawn faces."""
    return fine_tune(
        draw(),
        validation=validation,
        tensors=start,
        settings=settings,
        seed=0,
        checkpoints=checkpoints,
        progress=progress or Listener(),
    )


def assert_same(one: FineTuned, other: FineTuned) -> None:
    """Fail where two results differ in a single bit."""
    assert tensors.digest(one.tensors) == tensors.digest(other.tensors)
    assert one.weight.tobytes() == other.weight.tobytes()
    assert one.bias.tobytes() == other.bias.tobytes()
    assert one.history == other.history


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Tensors:
    """Untrained weights."""
    return backbone.obtain("seeded", home=tmp_path_factory.mktemp("home")).tensors


@pytest.fixture(scope="module")
def listener() -> Listener:
    """What `tuned` told."""
    return Listener()


@pytest.fixture(scope="module")
def tuned(start: Tensors, listener: Listener) -> FineTuned:
    """Two epochs on four faces, judged by two."""
    return tune(start, progress=listener)


def test_the_same_data_and_seed_give_the_same_bits(start: Tensors, tuned: FineTuned) -> None:
    """Weights are byte-identical, however many networks the process built before."""
    assert_same(tune(start), tuned)


def test_a_stopped_fine_tuning_goes_on(start: Tensors, tuned: FineTuned, tmp_path: Path) -> None:
    """One that was stopped in its second epoch repeats only that, with the same result."""
    with pytest.raises(StoppedError):
        tune(start, checkpoints=tmp_path, progress=Listener(stop_at=2))
    again = Listener()
    assert_same(tune(start, checkpoints=tmp_path, progress=again), tuned)
    assert again.steps == [("fine-tuning", 2, 2)]
    assert not list(tmp_path.iterdir())


def test_only_layers_up_to_the_tap_learn(start: Tensors, tuned: FineTuned) -> None:
    """All of Inception V3 comes back, and what is above the tap is as it was."""
    changed = {name for name in start if (tuned.tensors[name] != start[name]).any()}
    assert tuned.tensors.keys() == start.keys()
    assert "conv2d_00/kernel" in changed
    assert "conv2d_93/kernel" not in changed
    assert all(values.dtype == np.float32 for values in tuned.tensors.values())


def test_a_linear_layer_comes_with_the_weights(tuned: FineTuned) -> None:
    """It takes the tap's channels to the labels, which are sorted."""
    assert tuned.labels == tuple(sorted(character.name for character in cast(2, seed=1)))
    assert tuned.weight.shape == (256, 2)
    assert tuned.bias.shape == (2,)
    assert np.isfinite(tuned.weight).all()


def test_the_embedder_sees_what_was_judged(tuned: FineTuned, tmp_path: Path) -> None:
    """The stored weights, embedded with flip, give the validation accuracy of the best epoch."""
    held = [example for example, judged in zip(draw(), HELD, strict=True) if judged]
    stored = backbone.store(tuned.tensors, home=tmp_path)
    spec = EmbedderSpec.of(stored, taps=(QUICK.tap,), size=QUICK.size, flip=True)
    faces = np.stack([face_input(example.crop, size=QUICK.size) for example in held])
    logits = Embedder(spec, home=tmp_path, batch=2).embed(faces) @ tuned.weight + tuned.bias
    given = [tuned.labels[place] for place in logits.argmax(axis=1)]
    right = np.mean([label == example.label for label, example in zip(given, held, strict=True)])
    assert right == tuned.history[tuned.epochs - 1]["validation_accuracy"]


def test_the_best_epoch_is_kept(tuned: FineTuned) -> None:
    """The weights are those of the epoch with the lowest validation loss."""
    losses = [epoch["validation_loss"] for epoch in tuned.history]
    assert [epoch["epoch"] for epoch in tuned.history] == [1, 2]
    assert losses[tuned.epochs - 1] == min(losses)


def test_progress_counts_steps(tuned: FineTuned, listener: Listener) -> None:
    """Every step is told, with the loss so far and the last validation."""
    assert len(tuned.history) == 2
    assert listener.steps == [("fine-tuning", 1, 2), ("fine-tuning", 2, 2)]
    assert listener.details[0].startswith("epoch 1/2, loss ")
    assert "validation" not in listener.details[0]
    assert "validation" in listener.details[1]


def test_without_validation_the_last_epoch_is_kept(start: Tensors) -> None:
    """All faces can be learned from, for a fixed number of epochs."""
    tuned = tune(start, validation=np.zeros(6, np.bool_))
    assert tuned.epochs == QUICK.epochs
    assert all(epoch.keys() == {"epoch", "loss", "accuracy"} for epoch in tuned.history)


def test_patience_ends_it(start: Tensors) -> None:
    """A rate at which nothing is learned stops after the epochs of patience."""
    tuned = tune(start, settings=replace(QUICK, epochs=50, rate=0.0, patience=2))
    assert len(tuned.history) == 3
    assert tuned.epochs == 1


def test_the_precision_of_the_process_stays(tuned: FineTuned) -> None:
    """Networks that are built after a fine-tuning compute in float32."""
    assert tuned.history
    assert import_keras().config.dtype_policy().name == "float32"


@pytest.mark.parametrize("held", [[True] * 3 + [False] * 3, [True] * 6])
def test_labels_that_cannot_be_learned_are_refused(start: Tensors, held: list[bool]) -> None:
    """A label whose faces are all held out is named before anything is learned."""
    with pytest.raises(UsageError, match="too few faces"):
        tune(start, validation=np.array(held))


@pytest.mark.parametrize("wrong", [{"tap": "dense"}, {"epochs": 0}, {"batch": 0}])
def test_settings_are_checked(wrong: dict[str, str | int]) -> None:
    """Settings that no network can be trained with are a mistake of the caller."""
    with pytest.raises(ValueError, match=r"tap|epoch"):
        FineTuning(**wrong)  # type: ignore[arg-type]  # each is of its own type
