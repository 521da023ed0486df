"""Model versions with random heads, for benchmarks in which nothing is embedded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from worker.models import artifact, registry
from worker.models.artifact import Artifact
from worker.models.evidence import Evidence
from worker.models.manifest import Manifest
from worker.vision.classify import Head
from worker.vision.embed import EmbedderSpec

if TYPE_CHECKING:
    from pathlib import Path

    from db.engine import Database

LABELS = 20
TAPS = ("mixed3", "mixed5")
DIMENSION = 1536


def spec() -> EmbedderSpec:
    """An embedder that nobody has to run: every face has its embedding."""
    return EmbedderSpec("seeded", "0" * 64, taps=TAPS)


def publish(database: Database, home: Path, *, seed: int) -> Head:
    """A live version with a random head."""
    rng = np.random.default_rng(seed)
    weight = rng.normal(0, 0.05, (DIMENSION, LABELS)).astype(np.float32)
    labels = tuple(name(number) for number in range(LABELS))
    head = Head(labels, weight, np.zeros(LABELS, np.float32), 1.0, 0.0, 0.2)
    evidence = Evidence(
        golden=np.zeros((1, 96, 96, 3), np.uint8),
        confidences=np.zeros((1, LABELS), np.float32),
        trained=np.zeros(0, np.uint64),
        judged_weight=weight,
        judged_bias=head.bias,
    )
    manifest = Manifest(
        spec(),
        dict.fromkeys(labels, 1),
        head.temperature,
        head.background,
        head.threshold,
        evidence=evidence.digest,
    )
    made = Artifact(manifest, head, evidence)
    artifact.save(made, artifact.stored_path(made.sha256, home=home))
    registry.activate(database, registry.publish(database, made).id, why="a benchmark")
    return head


def name(label: int) -> str:
    """What a label is called."""
    return f"character {label}"
