"""Learning a head from examples: held out, embedded, fitted, judged, and fitted again on all."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from training.augment import ROTATION, SHIFT, ZOOM
from training.calibration import KEEP
from training.discriminant import REJECTED, Faces
from training.embedding import embed_examples
from training.fit import Fitted, fit, refit
from training.holdout import SHARE
from training.judge import judge_heads
from training.split import split

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from training.dataset import Skipped
    from training.example import Example
    from training.split import Split
    from worker.progress import Progress
    from worker.vision.classify import Head
    from worker.vision.embed import Embedder

# Altered copies matter for few faces and cost time for many: at most so many of a face, and so
# many in all.
MOST_COPIES = 8
COPIES_IN_ALL = 2000

_STEPS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """What was learned.

    Attributes:
        head: fitted on everything, with the calibration of `judged`.
        judged: fitted without the hold-out.
        holdout: how `judged` does on the hold-out, as `judge.judge` tells it.
        held: bool (n,), for each example with a label, in the order given: whether it is held out.
        trained_keys: uint64 (t,), sorted: the faces that `judged` was fitted on. Near-duplicates of
            them are never in the hold-out.
        counts: faces by label that `head` was fitted on.
        settings: what was chosen, for the manifest.
        contradictions: examples that nothing was learned from.
    """

    head: Head
    judged: Head
    holdout: Mapping[str, Any]
    held: NDArray[np.bool_]
    trained_keys: NDArray[np.uint64]
    counts: Mapping[str, int]
    settings: Mapping[str, Any]
    contradictions: tuple[Skipped, ...]


def learn(
    examples: Sequence[Example],
    *,
    embedder: Embedder,
    seed: int,
    cache: Path | None,
    holdout_share: float = SHARE,
    threshold: float | None = None,
    progress: Progress,
) -> Learned:
    """Learn a head; the same examples and seed give the same bits, whatever their order.

    Shrinkage, calibration and threshold are chosen by cross-validation within the part that is not
    held out. Rejected faces become the head's evidence for "none of these". Of the faces that are
    only known not to be something, those are learned from as rejected ones which a fit without them
    takes for just that; the others would teach nothing.

    Args:
        examples: with at least two labels.
        embedder: what embeds them.
        seed: what altered copies and folds depend on; the hold-out does not.
        cache: a folder to keep embeddings in, or None to keep none.
        holdout_share: share of each label's faces to hold out; 0 holds nothing out.
        threshold: the head's, in place of one that is chosen.
        progress: called with (stage, done, total).

    Returns:
        What was learned.

    Raises:
        UsageError: too few examples are left when contradictions and doubles are taken out.
        UnreadableImageError: a crop's JPEG is damaged; the message names its origin.
        ModelError: the backbone's weights are missing or damaged.
    """
    divided = split(examples, share=holdout_share, progress=progress)
    copies = min(MOST_COPIES, COPIES_IN_ALL // len(divided.examples))
    faces = embed_split(
        divided, embedder=embedder, copies=copies, seed=seed, cache=cache, progress=progress
    )
    progress("fitting", 0, _STEPS)
    fitted, taught = _fit(divided, faces, seed=seed, threshold=threshold)
    progress("fitting", 1, _STEPS)
    holdout = judge_heads(fitted.head, fitted.without, faces[divided.held & taught])
    progress("fitting", 2, _STEPS)
    # Rejected faces that are all held out have no calibration.
    whole = faces[taught & (fitted.head.rejects | ~faces.rejected)]
    head = refit(fitted, whole)
    progress("fitting", _STEPS, _STEPS)
    return Learned(
        head=head,
        judged=fitted.head,
        holdout=holdout,
        held=divided.held_of(examples),
        trained_keys=divided.trained_keys,
        counts=dict(Counter(whole.labels[~whole.rejected].tolist())),
        settings=_settings(faces, whole, fitted, holdout_share=holdout_share),
        contradictions=divided.contradictions,
    )


def embed_split(
    divided: Split,
    *,
    embedder: Embedder,
    copies: int,
    seed: int,
    cache: Path | None,
    progress: Progress,
) -> Faces:
    """Embed every example; what is only not something stands among the rejected faces.

    Args:
        divided: n examples.
        embedder: what embeds them.
        copies: altered copies of each.
        seed: what the copies come from.
        cache: a folder to keep embeddings in, or None to keep none.
        progress: called with ("embedding", done, total).

    Returns:
        n faces of 1 + `copies` views, in the order of the examples.
    """
    embeddings = embed_examples(
        divided.examples,
        embedder=embedder,
        copies=copies,
        seed=seed,
        cache=cache,
        progress=progress,
    )
    labels = np.array([label or REJECTED for label in divided.labels])
    return Faces(embeddings, labels, divided.groups)


def _fit(
    divided: Split, faces: Faces, *, seed: int, threshold: float | None
) -> tuple[Fitted, NDArray[np.bool_]]:
    """Fit without the hold-out; also say which examples, held out or not, teach something."""
    labelled = np.array([label is not None for label in divided.labels])
    fitted = fit(faces[labelled & ~divided.held], seed=seed, threshold=threshold)
    given = zip(fitted.head.predict(faces.embeddings[:, 0]), divided.examples, strict=True)
    mistaken = np.array([said.label in example.not_labels for said, example in given])
    taught = labelled | mistaken
    if (taught & ~labelled & ~divided.held).any():
        fitted = fit(faces[taught & ~divided.held], seed=seed, threshold=threshold)
    return fitted, taught


def _settings(
    faces: Faces, whole: Faces, fitted: Fitted, *, holdout_share: float
) -> dict[str, Any]:
    return {
        "copies": faces.embeddings.shape[1] - 1,
        "rotation": ROTATION,
        "zoom": ZOOM,
        "shift": SHIFT,
        "shrinkage": fitted.shrinkage,
        "keep": KEEP,
        "measures": fitted.head.measures,
        "holdout_share": holdout_share,
        "rejected": int(whole.rejected.sum()),
        "near_duplicates": len(faces.groups) - len(np.unique(faces.groups)),
        "weights_fitted_on": "all faces, after the hold-out was measured without them",
    }
