"""Fine-tuning: Inception V3 itself learns to tell the characters apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from db.errors import UsageError
from training.checkpoint import Checkpoint
from training.dataset import LEAST_LABELS
from training.finetuning.key import result_key
from training.finetuning.network import TunedNetwork, reproducible
from training.finetuning.run import Run
from training.finetuning.views import steps_of
from worker.vision.embed import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from training.example import Example
    from training.finetuning.run import Epoch
    from worker.models.network import Tensors
    from worker.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTuning:
    """How Inception V3 is fine-tuned.

    On faces held out of a training set of drawn characters, `mixed7` at a rate of 1e-3 did no
    better than the default and takes longer; 2e-3, and altered colours, did worse.

    Attributes:
        tap: the layer whose global average is the embedding; all layers up to it learn.
        size: width and height of the input in pixels.
        epochs: how often every face is seen, at most.
        batch: faces in a step.
        rate: the highest learning rate of AdamW.
        lead: how many times faster the linear layer learns, as it starts from nothing.
        decay: AdamW's weight decay.
        smoothing: share of the targets that is spread over all labels (Szegedy et al. 2016).
        warm_up: share of the steps over which the learning rate rises.
        patience: epochs without a lower validation loss after which it stops.
    """

    tap: str = "mixed5"
    size: int = 139
    epochs: int = 20
    batch: int = 16
    rate: float = 3e-4
    lead: float = 10.0
    decay: float = 1e-4
    smoothing: float = 0.1
    warm_up: float = 0.1
    patience: int = 10

    def __post_init__(self) -> None:
        if self.tap not in CHANNELS:
            raise ValueError(f"the tap must be a layer such as mixed5, not {self.tap!r}")
        if min(self.epochs, self.batch, self.patience) < 1:
            raise ValueError("a fine-tuning needs at least one epoch, face a batch and patience")


@dataclass(frozen=True, slots=True, eq=False)
class FineTuned:
    """What fine-tuning gave.

    Attributes:
        tensors: canonical weights of the whole of Inception V3 without its top; the layers above
            the tap are as they were.
        weight: float32 (d, k), from the flip-averaged tap to logits.
        bias: float32 (k,).
        labels: k names, sorted; the order of the columns.
        epochs: the epoch whose weights these are; the first is 1.
        history: for each epoch `epoch`, `loss` and `accuracy`, and with a validation part also
            `validation_loss` and `validation_accuracy`.
    """

    tensors: Tensors
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    labels: tuple[str, ...]
    epochs: int
    history: list[Epoch]


def fine_tune(
    examples: Sequence[Example],
    *,
    validation: NDArray[np.bool_],
    tensors: Tensors,
    settings: FineTuning,
    seed: int,
    checkpoints: Path | None,
    progress: Progress,
) -> FineTuned:
    """Train Inception V3 up to a tap, and a linear layer on top of it.

    The same call on the same machine gives the same bits. One that was killed goes on after its
    last whole epoch, with the same result, as long as it finds its checkpoint.

    Args:
        examples: n faces, all with labels.
        validation: bool (n,), the faces that are only judged, to keep the weights of the epoch
            that does best on them. Where there are none, the last epoch's are kept.
        tensors: canonical weights to start from.
        settings: how it is done.
        seed: what the order of the faces and their alterations depend on.
        checkpoints: the folder in which it can go on; None keeps nothing.
        progress: called with ("fine-tuning", steps done, steps in all, loss and accuracy).

    Returns:
        The weights of the best epoch.

    Raises:
        UsageError: there is nothing to learn from, or a label is only in the validation part.
        ModelError: the weights are not those of Inception V3.
        UnreadableImageError: a crop is damaged.
    """
    learned, judged = _split(examples, validation)
    labels = _labels(learned, judged)
    checkpoint = None
    if checkpoints is not None:
        key = result_key(
            examples, validation=validation, tensors=tensors, settings=settings, seed=seed
        )
        checkpoint = Checkpoint(checkpoints / f"{key}.safetensors")
    with reproducible():
        network = TunedNetwork(
            tensors,
            labels=len(labels),
            settings=settings,
            steps=settings.epochs * steps_of(len(learned), batch=settings.batch),
        )
        run = Run(network, learned, judged, labels, settings, seed, progress)
        best = run.complete(checkpoint)
        weight, bias = network.linear
        return FineTuned(network.tensors, weight, bias, labels, best, run.history)


def _split(
    examples: Sequence[Example], validation: NDArray[np.bool_]
) -> tuple[list[Example], list[Example]]:
    """What is learned from, and what is only judged."""
    pairs = list(zip(examples, validation.tolist(), strict=True))
    return [one for one, held in pairs if not held], [one for one, held in pairs if held]


def _labels(learned: list[Example], judged: list[Example]) -> tuple[str, ...]:
    labels = {example.label for example in learned if example.label is not None}
    unlearned = {example.label for example in judged} - labels
    if len(labels) < LEAST_LABELS or unlearned:
        what = f"of {min(map(str, unlearned))!r}" if unlearned else "of two labels"
        raise UsageError(
            f"too few faces {what} are left to fine-tune with; add images, or hold out fewer"
        )
    return tuple(sorted(labels))
