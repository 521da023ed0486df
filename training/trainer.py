"""Training: from examples to a saved artifact."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from training.finetuning.tuning import FineTuning
from training.learn import learn
from training.tune import tune
from worker.models import artifact as artifacts
from worker.models import backbone as backbones
from worker.models.evidence import MOST_GOLDEN, Evidence
from worker.models.manifest import Manifest
from worker.vision.crop import face_input
from worker.vision.embed import INPUT_SIZE, Embedder, EmbedderSpec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from training.dataset import Skipped
    from training.example import Example
    from training.learn import Learned
    from training.sources import Examples
    from worker.models.artifact import Artifact
    from worker.models.backbone import Backbone
    from worker.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to train; None leaves a choice to what suits the rest.

    Attributes:
        backbone: `drawn`, `imagenet`, `seeded` or the path of a weights file.
        taps: layers of the backbone to embed with; a fine-tuning has one.
        size: width and height of the input in pixels.
        fine_tune: whether the backbone itself learns.
        epochs: of a fine-tuning, at most.
        hold_out: share of each label's faces that only judge.
        threshold: the confidence below which a face is unknown.
        seed: what all chance comes from.
    """

    backbone: str
    taps: tuple[str, ...] | None = None
    size: int | None = None
    fine_tune: bool = False
    epochs: int | None = None
    hold_out: float = 0.2
    threshold: float | None = None
    seed: int = 0

    @property
    def fine_tuning(self) -> FineTuning:
        """The settings of a fine-tuning."""
        usual = FineTuning()
        return replace(
            usual,
            tap=usual.tap if self.taps is None else self.taps[0],
            size=self.size or usual.size,
            epochs=self.epochs or usual.epochs,
        )


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """What training gave.

    Attributes:
        artifact: the model.
        folder: where it is saved.
        held_out: the examples that its judged head has not learned from.
        skipped: what nothing was learned from, and why.
    """

    artifact: Artifact
    folder: Path
    held_out: tuple[Example, ...]
    skipped: tuple[Skipped, ...]


def train(
    examples: Examples, *, plan: Plan, home: Path, parent: str | None, progress: Progress
) -> TrainedModel:
    """Train a model and save it; the same examples, plan and machine give the same artifact.

    What is costly is kept below `home` while it may be needed again: embeddings by face, and the
    last epoch of a fine-tuning. So a training that was killed goes on where it was.

    Args:
        examples: of at least two labels.
        plan: how to train.
        home: kaolabel's own folder, in which the model is saved.
        parent: the artifact hash of the model that this one shall replace.
        progress: called with (stage, done, total, detail).

    Returns:
        The model; no database knows of it yet.

    Raises:
        UsageError: the examples are too few.
        UnavailableError: the backbone could not be downloaded.
        ModelError: the backbone cannot be used.
    """
    weights = backbones.obtain(plan.backbone, home=home)
    if plan.fine_tune:
        learned, embedder = _tune(examples.learned, weights, plan, home=home, progress=progress)
    else:
        learned, embedder = _learn(examples.learned, weights, plan, home=home, progress=progress)
    artifact = _artifact(examples.learned, learned, embedder, seed=plan.seed, parent=parent)
    folder = artifacts.stored_path(artifact.sha256, home=home)
    artifacts.save(artifact, folder)
    labelled = [example for example in examples.learned if example.label is not None]
    held_out = tuple(e for e, held in zip(labelled, learned.held, strict=True) if held)
    return TrainedModel(artifact, folder, held_out, examples.skipped + learned.contradictions)


def cache_folder(home: Path) -> Path:
    """Where embeddings of examples are kept between trainings."""
    return home / "cache"


def _learn(
    examples: Sequence[Example], weights: Backbone, plan: Plan, *, home: Path, progress: Progress
) -> tuple[Learned, Embedder]:
    spec = EmbedderSpec.of(weights, taps=plan.taps, size=plan.size or INPUT_SIZE)
    embedder = Embedder(spec, home=home)
    learned = learn(
        examples,
        embedder=embedder,
        seed=plan.seed,
        cache=cache_folder(home),
        holdout_share=plan.hold_out,
        threshold=plan.threshold,
        progress=progress,
    )
    return learned, embedder


def _tune(
    examples: Sequence[Example], weights: Backbone, plan: Plan, *, home: Path, progress: Progress
) -> tuple[Learned, Embedder]:
    return tune(
        examples,
        weights=weights,
        settings=plan.fine_tuning,
        home=home,
        seed=plan.seed,
        checkpoints=home / "checkpoints",
        holdout_share=plan.hold_out,
        threshold=plan.threshold,
        progress=progress,
    )


def _artifact(
    examples: Sequence[Example],
    learned: Learned,
    embedder: Embedder,
    *,
    seed: int,
    parent: str | None,
) -> Artifact:
    head = learned.head
    evidence = _evidence(examples, learned, embedder=embedder)
    manifest = Manifest(
        embedder=embedder.spec,
        labels={label: learned.counts[label] for label in head.labels},
        temperature=head.temperature,
        background=head.background,
        threshold=head.threshold,
        rejects=head.rejects,
        evidence=evidence.digest,
        holdout=learned.holdout,
        training=learned.settings,
        seed=seed,
        parent=parent,
        kaolabel=version("kaolabel"),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return artifacts.Artifact(manifest, head, evidence)


def _evidence(examples: Sequence[Example], learned: Learned, *, embedder: Embedder) -> Evidence:
    """One face of each of the first labels, and the head before it was fitted again."""
    faces: dict[str, Example] = {}
    # By key, so that the order of the examples does not matter.
    for example in sorted(examples, key=lambda example: example.key):
        if example.label is not None and example.label in learned.counts:
            faces.setdefault(example.label, example)
    chosen = [faces[label] for label in sorted(faces)[:MOST_GOLDEN]]
    golden = np.stack([face_input(one.crop, size=embedder.spec.size) for one in chosen])
    said = learned.head.confidences(embedder.embed(golden))
    return Evidence(
        golden=golden,
        confidences=said.astype(np.float32),
        trained=learned.trained_keys,
        judged_weight=learned.judged.weight,
        judged_bias=learned.judged.bias,
    )
