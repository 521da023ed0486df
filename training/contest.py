"""Two models on the same held-out faces, each by the head that has not seen them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from training.embedding import embed_examples
from training.verdict import Count
from worker.models import artifact as artifacts
from worker.models import live

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from db.records import VersionRecord
    from training.example import Example
    from worker.models.artifact import Artifact
    from worker.models.live import Model
    from worker.progress import Progress


@dataclass(frozen=True, slots=True, eq=False)
class Contender:
    """A version that is loaded, with its evidence."""

    model: Model
    artifact: Artifact

    @classmethod
    def load(cls, version: VersionRecord, *, home: Path, like: Model | None = None) -> Self:
        """Load a version.

        Raises:
            ModelError: its artifact is missing or damaged.
        """
        artifact = artifacts.load_stored(version.sha256, home=home)
        return cls(live.assemble(version.id, artifact, home=home, like=like), artifact)

    @classmethod
    def load_proven(cls, version: VersionRecord, *, home: Path) -> Self:
        """Load a version and let it prove itself on its golden faces.

        Raises:
            ModelError: artifact or backbone are missing or damaged, or give other results.
        """
        contender = cls.load(version, home=home)
        live.require_proof(contender.model, contender.artifact)
        return contender


@dataclass(frozen=True, slots=True)
class Contest:
    """What both got right on the faces on which they can be compared.

    Attributes:
        candidate: of the new model.
        active: of the active one.
        new_labels: faces left out because the active model does not know their label: it could only
            be wrong.
        learned: faces left out because one of the judged heads was fitted on them.
    """

    candidate: Count
    active: Count
    new_labels: int
    learned: int

    @property
    def left_out(self) -> str:
        """What was left out and why, for people; empty where nothing was."""
        why = {
            "whose label the active model does not know": self.new_labels,
            "that one of the two has learned from": self.learned,
        }
        parts = [f"{count:,} {reason}" for reason, count in why.items() if count]
        return f"left out: {' and '.join(parts)}" if parts else ""


def compete(
    candidate: Contender,
    active: Contender,
    examples: Sequence[Example],
    *,
    cache: Path | None,
    progress: Progress,
) -> Contest:
    """Let two models name the same held-out faces.

    Published heads were fitted again with their hold-out, so each model is represented by its
    judged head, the one before that. A label that only the candidate knows takes no part, as the
    active model could not have given it; a label that only the active model knows does, and the
    candidate is wrong on it. Identical faces are recognized by their pixels; a face that the active
    model learned from in another encoding is not, which can only favour the active model.

    Args:
        candidate: the new model.
        active: the one to beat.
        examples: the candidate's held-out faces; those without a label are passed over.
        cache: a folder of embeddings to use, or None.
        progress: called with ("embedding", done, total).

    Returns:
        What came of it.
    """
    labelled = [example for example in examples if example.label is not None]
    known = set(active.artifact.judged.labels)
    familiar = [example for example in labelled if example.label in known]
    seen = _seen(familiar, candidate, active)
    fair = [example for example, learned in zip(familiar, seen, strict=True) if not learned]
    return Contest(
        candidate=_count(candidate, fair, cache=cache, progress=progress),
        active=_count(active, fair, cache=cache, progress=progress),
        new_labels=len(labelled) - len(familiar),
        learned=len(familiar) - len(fair),
    )


def _seen(examples: Sequence[Example], *contenders: Contender) -> NDArray[np.bool_]:
    """Which examples one of the judged heads was fitted on; bool (n,)."""
    keys = np.array([example.key for example in examples], np.uint64)
    trained = np.concatenate([one.artifact.evidence.trained for one in contenders])
    return np.isin(keys, trained)


def _count(
    contender: Contender, examples: Sequence[Example], *, cache: Path | None, progress: Progress
) -> Count:
    """How many of the examples the judged head names rightly, however unsure it is."""
    embeddings = embed_examples(
        examples,
        embedder=contender.model.embedder,
        copies=0,
        seed=contender.artifact.manifest.seed,
        cache=cache,
        progress=progress,
    )
    head = contender.artifact.judged
    columns, _ = head.scores(embeddings[:, 0])
    named = zip(columns[:, 0], examples, strict=True)
    right = sum(head.labels[column] == example.label for column, example in named)
    return Count(right, len(examples))
