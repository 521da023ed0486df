"""The epochs of a fine-tuning: learn, judge, keep the best weights, write a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from training.finetuning.views import altered_batches, plain_batches, steps_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.checkpoint import Checkpoint
    from training.example import Example
    from training.finetuning.network import TunedNetwork
    from training.finetuning.tuning import FineTuning
    from worker.progress import Progress

Epoch = dict[str, float]

STAGE = "fine-tuning"


@dataclass(slots=True, eq=False)
class Run:
    """A fine-tuning between two epochs.

    Attributes:
        network: what learns.
        learned: the faces that it learns from.
        judged: the faces that it is only judged by.
        labels: k names, sorted.
        settings: how it learns.
        seed: where chance comes from.
        progress: told after every step.
        history: the epochs so far.
        best: the weights of the best of them.
    """

    network: TunedNetwork
    learned: list[Example]
    judged: list[Example]
    labels: tuple[str, ...]
    settings: FineTuning
    seed: int
    progress: Progress
    history: list[Epoch] = field(default_factory=list)
    best: dict[str, NDArray[Any]] = field(default_factory=dict)

    def complete(self, checkpoint: Checkpoint | None) -> int:
        """Learn what is left to learn, give the network its best weights, forget the checkpoint.

        Args:
            checkpoint: where it goes on, and can go on again after each epoch.

        Returns:
            The epoch whose weights the network has now; the first is 1.
        """
        if checkpoint and (saved := checkpoint.load()):
            self._restore(*saved)
        while not self._is_over():
            self._epoch(len(self.history) + 1)
            if checkpoint:
                checkpoint.save(self._arrays(), notes={"history": self.history})
        self.network.weights = self.best
        if checkpoint:
            checkpoint.remove()
        return self._best_epoch()

    def _is_over(self) -> bool:
        done = len(self.history)
        if not done:
            return False
        return done >= self.settings.epochs or done - self._best_epoch() >= self.settings.patience

    def _best_epoch(self) -> int:
        """The first with the lowest validation loss, or the last one where nothing is judged."""
        if not self.judged:
            return len(self.history)
        losses = [epoch["validation_loss"] for epoch in self.history]
        return 1 + losses.index(min(losses))

    def _epoch(self, number: int) -> None:
        loss, accuracy = self._learn(number)
        self.history.append({"epoch": number, "loss": loss, "accuracy": accuracy, **self._judge()})
        if self._best_epoch() == number:
            self.best = self.network.weights

    def _learn(self, number: int) -> tuple[float, float]:
        """Show every face once; loss and accuracy of the epoch."""
        settings = self.settings
        batches = altered_batches(
            self.learned, batch=settings.batch, size=settings.size, seed=self.seed, epoch=number
        )
        steps = steps_of(len(self.learned), batch=settings.batch)
        targets = _targets(self.learned, self.labels)
        self.network.begin_epoch()
        for step, (chosen, faces) in enumerate(batches, start=1):
            loss, accuracy = self.network.learn(faces, targets[chosen])
            done = (number - 1) * steps + step
            self.progress(STAGE, done, steps * settings.epochs, self._detail(number, loss))
        return loss, accuracy

    def _judge(self) -> dict[str, float]:
        """Loss and accuracy on the validation part."""
        if not self.judged:
            return {}
        settings = self.settings
        batches = plain_batches(self.judged, batch=settings.batch, size=settings.size)
        logits = np.concatenate([self.network.logits(faces) for faces in batches])
        targets = _targets(self.judged, self.labels)
        return {
            "validation_loss": _cross_entropy(logits.astype(np.float64), targets),
            "validation_accuracy": float((logits.argmax(axis=1) == targets).mean()),
        }

    def _detail(self, number: int, loss: float) -> str:
        line = f"epoch {number}/{self.settings.epochs}, loss {loss:.2f}"
        last = self.history[-1:]
        if last and "validation_accuracy" in last[0]:
            line += f", validation {last[0]['validation_accuracy']:.1%}"
        return line

    def _arrays(self) -> dict[str, NDArray[Any]]:
        best = {f"best/{name}": values for name, values in self.best.items()}
        return {**self.network.weights, **self.network.memory, **best}

    def _restore(self, arrays: dict[str, NDArray[Any]], notes: dict[str, Any]) -> None:
        self.network.weights = arrays
        self.network.memory = arrays
        self.best = {
            name.removeprefix("best/"): values
            for name, values in arrays.items()
            if name.startswith("best/")
        }
        self.history = notes["history"]


def _targets(examples: list[Example], labels: tuple[str, ...]) -> NDArray[np.intp]:
    places = {label: place for place, label in enumerate(labels)}
    return np.array([places[str(example.label)] for example in examples], np.intp)


def _cross_entropy(logits: NDArray[np.float64], targets: NDArray[np.intp]) -> float:
    shifted = logits - logits.max(axis=1, keepdims=True)
    shares = shifted[np.arange(len(targets)), targets] - np.log(np.exp(shifted).sum(axis=1))
    return float(-shares.mean())
