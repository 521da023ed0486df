"""A pretraining from its first step, or from where it was stopped, to its weights."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from db.errors import UsageError
from training.checkpoint import Checkpoint
from training.pretraining.lessons import examination, lessons
from training.pretraining.network import PretrainedNetwork
from training.pretraining.traits import Traits
from worker.models import backbone, drawn
from worker.models.network import import_keras, precision

if TYPE_CHECKING:
    from pathlib import Path

    from training.pretraining.lessons import Lesson
    from training.pretraining.settings import Pretraining
    from worker.progress import Progress

STAGE = "pretraining"

# Characters that no lesson has, by which the curve is judged, and the size of their faces.
_EXAMINED, _EXAMINED_SIZE = 64, 96


@dataclass(frozen=True, slots=True)
class Paths:
    """The files of a pretraining, all in one folder.

    Attributes:
        folder: where they lie.
    """

    folder: Path

    @property
    def state(self) -> Path:
        """Where it goes on after it was stopped."""
        return self.folder / "state.safetensors"

    @property
    def curve(self) -> Path:
        """A line of JSON for every examination."""
        return self.folder / "curve.jsonl"

    def weights(self, step: int) -> Path:
        """The backbone after so many steps."""
        return self.folder / f"step-{step:06d}.safetensors"


def pretrain(
    settings: Pretraining, *, folder: Path, every: int, bfloat16: bool, progress: Progress
) -> Path:
    """Pretrain a backbone on drawn faces; go on where the folder holds one that was stopped.

    Args:
        settings: how it is done.
        folder: what it leaves its files in, see `Paths`; made where it is missing.
        every: steps between two examinations, each of which leaves weights and a state.
        bfloat16: whether convolutions compute in bfloat16.
        progress: called with ("pretraining", steps done, steps in all, losses).

    Returns:
        The file of the weights.

    Raises:
        UsageError: the folder holds a pretraining with other settings.
    """
    paths, checkpoint = Paths(folder), Checkpoint(Paths(folder).state)
    traits = Traits.measured()
    import_keras().utils.clear_session()
    with precision("mixed_bfloat16" if bfloat16 else "float32"):
        network = PretrainedNetwork(
            backbone.obtain(backbone.SEEDED, home=folder).tensors,
            settings=settings,
            traits=len(traits),
        )
        done = _resume(network, checkpoint, settings)
        exam = examination(settings, traits, size=_EXAMINED_SIZE, characters=_EXAMINED)
        began, last = time.perf_counter(), done
        for step, lesson in enumerate(lessons(settings, traits, start=done), start=done + 1):
            losses = network.learn(lesson)
            progress(STAGE, step, settings.steps, f"loss {losses['loss']:.2f}")
            if step % every == 0 or step == settings.steps:
                rate = (step - last) * settings.batch / (time.perf_counter() - began)
                row = {"step": step, "size": settings.size_at(step - 1), **losses}
                row |= {"recognized": recognized(network, exam), "faces_per_second": rate}
                _keep(network, row, paths, checkpoint, settings)
                began, last = time.perf_counter(), step
    return paths.weights(settings.steps)


def recognized(network: PretrainedNetwork, exam: Lesson) -> float:
    """Share of faces whose nearest other face is of the same character, by cosine."""
    chunks = np.array_split(exam.faces, max(1, len(exam.faces) // 64))
    vectors = np.concatenate([network.embed(chunk) for chunk in chunks])
    vectors = vectors - vectors.mean(axis=0)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, -np.inf)
    return float((exam.who[alike.argmax(axis=1)] == exam.who).mean())


def _resume(network: PretrainedNetwork, checkpoint: Checkpoint, settings: Pretraining) -> int:
    """Take over what a stopped pretraining left; the steps that it had done."""
    saved = checkpoint.load()
    if saved is None:
        return 0
    state, notes = saved
    if notes["settings"] != _plain(settings):
        raise UsageError(
            f"{checkpoint.path.parent} holds a pretraining with other settings; give the same "
            "ones to go on with it, or another folder"
        )
    network.state = state
    return int(notes["step"])


def _keep(
    network: PretrainedNetwork,
    row: dict[str, Any],
    paths: Paths,
    checkpoint: Checkpoint,
    settings: Pretraining,
) -> None:
    """Write weights, curve and state, the state last: what it stands for is then all there."""
    drawn.save(network.tensors, paths.weights(row["step"]), deepest=settings.taps[-1])
    with paths.curve.open("a") as curve:
        curve.write(json.dumps({k: _short(v) for k, v in row.items()}) + "\n")
    checkpoint.save(network.state, notes={"settings": _plain(settings), "step": row["step"]})


def _short(value: float) -> float:
    return round(value, 4) if isinstance(value, float) else value


def _plain(settings: Pretraining) -> Any:
    return json.loads(json.dumps(asdict(settings)))
