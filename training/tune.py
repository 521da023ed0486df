"""Learning by fine-tuning: the counterpart of `learn` in which the backbone learns as well."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from training.augment import ROTATION, SHIFT, ZOOM
from training.calibration import KEEP
from training.discriminant import REJECTED
from training.finetuning.tuning import fine_tune
from training.holdout import hold_out
from training.judge import LABELS_LEFT_OUT, judge_heads
from training.learn import Learned, embed_split
from training.split import split
from training.tuned_head import fit_head
from worker.models import backbone as backbones
from worker.vision.embed import Embedder, EmbedderSpec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from training.example import Example
    from training.finetuning.tuning import FineTuned, FineTuning
    from training.split import Split
    from training.tuned_head import TunedHead
    from worker.models.backbone import Backbone
    from worker.progress import Progress

# Of each label's faces, beside those that are held out: keeps the best epoch, and calibrates.
VALIDATION = 0.1
# Altered copies of each face that the head is fitted on; the network itself has seen many more.
COPIES = 3

_STRANGERS = f"{LABELS_LEFT_OUT}, of the head alone: the network has seen their faces"


def tune(
    examples: Sequence[Example],
    *,
    weights: Backbone,
    settings: FineTuning,
    home: Path,
    seed: int,
    checkpoints: Path | None,
    holdout_share: float,
    threshold: float | None,
    progress: Progress,
) -> tuple[Learned, Embedder]:
    """Fine-tune a backbone, and fit a head on what it then sees.

    The network learns from neither the hold-out nor a validation part, which keeps the best epoch
    and calibrates the head. Rejected faces are one more class, that of "none of these". The head
    costs nothing to fit again, so that the published one is fitted on all faces.

    Args:
        examples: with at least two labels.
        weights: the backbone to start from.
        settings: how it is fine-tuned.
        home: kaolabel's own folder, in which the new backbone is kept.
        seed: what order and alterations depend on; hold-out and validation do not.
        checkpoints: the folder in which a killed fine-tuning goes on; None keeps nothing.
        holdout_share: share of each label's faces to hold out; 0 holds nothing out.
        threshold: the head's, in place of one that is chosen.
        progress: called with (stage, done, total, detail).

    Returns:
        What was learned, and the embedder that it needs.

    Raises:
        UsageError: there are too few examples.
        UnreadableImageError: a crop's JPEG is damaged; the message names its origin.
        ModelError: the weights are not those of Inception V3.
    """
    divided = split(examples, share=holdout_share, progress=progress)
    parts = _Parts.of(divided, share=holdout_share + VALIDATION)
    tuned = fine_tune(
        [_named(divided.examples[index]) for index in np.flatnonzero(parts.shown)],
        validation=parts.validation[parts.shown],
        tensors=weights.tensors,
        settings=settings,
        seed=seed,
        checkpoints=checkpoints,
        progress=progress,
    )
    embedder = _embedder(tuned, settings, home=home)
    faces = embed_split(
        divided, embedder=embedder, copies=COPIES, seed=seed, cache=None, progress=progress
    )
    fitted = fit_head(faces[parts.learned], faces[parts.calibrating], threshold=threshold)
    # Rejected faces that are all held out have no calibration.
    whole = faces[parts.named & (fitted.head.rejects | ~faces.rejected)]
    result = Learned(
        head=fitted.refit(whole),
        judged=fitted.head,
        holdout=judge_heads(
            fitted.head, fitted.without, faces[parts.named & divided.held], how=_STRANGERS
        ),
        held=divided.held_of(examples),
        trained_keys=divided.trained_keys,
        counts=dict(Counter(whole.labels[~whole.rejected].tolist())),
        settings=_settings(weights, settings, tuned, fitted)
        | {"validation": int(parts.validation.sum()), "holdout_share": holdout_share},
        contradictions=divided.contradictions,
    )
    return result, embedder


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """What becomes of each example; each bool (n,).

    Attributes:
        named: has a label, or is rejected; what is only not something is in no part.
        shown: named and not held out.
        validation: of those, the ones that choose the epoch.
        calibrating: those that calibrate the head.
    """

    named: NDArray[np.bool_]
    shown: NDArray[np.bool_]
    validation: NDArray[np.bool_]
    calibrating: NDArray[np.bool_]

    @classmethod
    def of(cls, divided: Split, *, share: float) -> Self:
        """Choose as validation part what would be held out next, up to a share of all."""
        named = np.array([label is not None for label in divided.labels])
        shown = named & ~divided.held
        chosen = np.flatnonzero(shown)
        validation = np.zeros(len(shown), np.bool_)
        validation[chosen] = hold_out(
            [divided.labels[index] for index in chosen],
            keys=divided.keys[chosen].tolist(),
            groups=divided.groups[chosen],
            share=share,
        )
        known = np.array([bool(label) for label in divided.labels])
        # Where no label has faces to spare, what the network has learned from must do.
        calibrating = validation if (validation & known).any() else shown
        return cls(named, shown, validation, calibrating)

    @property
    def learned(self) -> NDArray[np.bool_]:
        """What the network learns from."""
        return np.asarray(self.shown & ~self.validation)


def _embedder(tuned: FineTuned, settings: FineTuning, *, home: Path) -> Embedder:
    backbone = backbones.store(tuned.tensors, home=home)
    spec = EmbedderSpec.of(backbone, taps=(settings.tap,), size=settings.size, flip=True)
    return Embedder(spec, home=home)


def _named(example: Example) -> Example:
    return replace(example, label=REJECTED) if example.rejected else example


def _settings(
    weights: Backbone, settings: FineTuning, tuned: FineTuned, fitted: TunedHead
) -> dict[str, Any]:
    return {
        "fine_tuning": asdict(settings),
        "fine_tuned_from": {"source": weights.source, "sha256": weights.sha256},
        "best_epoch": tuned.epochs,
        "history": list(tuned.history),
        "copies": COPIES,
        "rotation": ROTATION,
        "zoom": ZOOM,
        "shift": SHIFT,
        "shrinkage": fitted.shrinkage,
        "keep": KEEP,
        "weights_fitted_on": "the network's on faces neither held out nor in the validation part; "
        "the head's on all faces, after the hold-out was measured without them",
    }
