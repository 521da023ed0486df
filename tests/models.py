"""Small models for tests: artifacts of any head, with evidence that fits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from worker.models import registry
from worker.models.artifact import Artifact
from worker.models.evidence import Evidence
from worker.models.manifest import Manifest
from worker.vision.classify import Head
from worker.vision.embed import EmbedderSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from db.engine import Database
    from db.records import VersionRecord

# Nothing can be embedded with it: no weights have this hash.
NOWHERE = EmbedderSpec("seeded", "0" * 64, taps=("mixed1",))


def small_head(dimension: int = 288, *, seed: int = 0, rejects: bool = False) -> Head:
    """A head of two labels with random weights."""
    columns = 2 + rejects
    weight = np.random.default_rng(seed).normal(size=(dimension, columns)).astype(np.float32)
    bias = np.zeros(columns, np.float32)
    return Head(("zoë", "aqua"), weight, bias, 1.5, -2.0, 0.25, rejects=rejects)


def golden_faces(size: int = 96, count: int = 2) -> NDArray[np.uint8]:
    """Squares of noise."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, size, size, 3), np.uint8)


def evidence_of(
    head: Head,
    *,
    golden: NDArray[np.uint8] | None = None,
    confidences: NDArray[Any] | None = None,
) -> Evidence:
    """Evidence that fits a head; no confidences means zeros, which no head lives up to."""
    faces = golden_faces() if golden is None else golden
    said = np.zeros((len(faces), len(head.labels))) if confidences is None else confidences
    return Evidence(
        golden=faces,
        confidences=said.astype(np.float32),
        trained=np.arange(5, dtype=np.uint64),
        judged_weight=head.weight * np.float32(0.5),
        judged_bias=head.bias,
    )


def small_artifact(
    head: Head | None = None,
    *,
    spec: EmbedderSpec = NOWHERE,
    evidence: Evidence | None = None,
    **changes: Any,
) -> Artifact:
    """An artifact of a head; `changes` are of its manifest."""
    head = head or small_head()
    evidence = evidence or evidence_of(head)
    manifest = Manifest(
        embedder=spec,
        labels={label: 3 + number for number, label in enumerate(head.labels)},
        temperature=head.temperature,
        background=head.background,
        threshold=head.threshold,
        rejects=head.rejects,
        evidence=evidence.digest,
        created_at="now",
    )
    return Artifact(replace(manifest, **changes), head, evidence)


def publish_live(database: Database, artifact: Artifact, *, why: str) -> VersionRecord:
    """Register a saved artifact and activate it; the version as it then stands."""
    version = registry.publish(database, artifact)
    registry.activate(database, version.id, why=why)
    return version
