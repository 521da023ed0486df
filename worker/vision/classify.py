"""The head: a linear classifier from embeddings to labels with a calibrated confidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from db.records import Prediction

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOP = 5
# Matrix products differ in their last bits between batch sizes; no stored confidence may.
_DECIMALS = 6


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A softmax over the labels and one more outcome, "none of these", of constant logit.

    That outcome lets the confidence fall where all logits are low, which a softmax over the labels
    alone cannot see; Hendrycks et al. 2022, "Scaling Out-of-Distribution Detection for Real-World
    Settings", find the largest logit the better sign of unknown classes.

    Attributes:
        labels: k names; the order of the columns.
        weight: float32 (d, k); the features' standardization is folded in.
        bias: float32 (k,).
        temperature: divides all logits (Guo et al. 2017, "On Calibration of Modern Neural
            Networks").
        background: the logit of "none of these", before the temperature.
        threshold: a confidence below it means unknown.
    """

    labels: tuple[str, ...]
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    temperature: float
    background: float
    threshold: float

    def __post_init__(self) -> None:
        count = len(self.labels)
        if not count or len(set(self.labels)) != count or not all(self.labels):
            raise ValueError("a head needs labels, each with a name of its own")
        if self.weight.ndim != 2 or self.weight.shape[1] != count or self.bias.shape != (count,):  # noqa: PLR2004  # rows and columns
            raise ValueError(f"{count} labels do not fit weights of shape {self.weight.shape}")
        scalars = (self.temperature, self.background, self.threshold)
        if not all(np.isfinite(part).all() for part in (self.weight, self.bias, scalars)):
            raise ValueError("a head is made of finite numbers")
        if self.temperature <= 0 or not 0 <= self.threshold <= 1:
            raise ValueError("a head needs a positive temperature and a threshold from 0 to 1")

    @property
    def dimension(self) -> int:
        """The length of the embeddings that it takes."""
        return int(self.weight.shape[0])

    def predict(self, embeddings: NDArray[np.float16]) -> tuple[Prediction, ...]:
        """Classify embeddings.

        Args:
            embeddings: float16 (n, d).

        Returns:
            n predictions in the same order, each with the five most likely labels.

        Raises:
            ValueError: the embeddings are not of the length that the head takes.
        """
        logits = self._logits(embeddings)
        confidences = self._confidences(logits)
        # By logits, as confidences of next to nothing are all rounded to the same.
        best = np.argsort(-logits, axis=1, kind="stable")[:, :TOP]
        return tuple(
            self._prediction(row, order) for row, order in zip(confidences, best, strict=True)
        )

    def confidences(self, embeddings: NDArray[np.float16]) -> NDArray[np.float64]:
        """Give the probability of every label.

        Args:
            embeddings: float16 (n, d).

        Returns:
            float64 (n, k), rounded to six decimals; a row sums to 1 less that of "none of these".

        Raises:
            ValueError: the embeddings are not of the length that the head takes.
        """
        return self._confidences(self._logits(embeddings))

    def _logits(self, embeddings: NDArray[np.float16]) -> NDArray[np.float64]:
        if embeddings.ndim != 2 or embeddings.shape[1] != self.dimension:  # noqa: PLR2004  # rows and columns
            raise ValueError(f"embeddings must be (n, {self.dimension}), not {embeddings.shape}")
        logits = embeddings.astype(np.float64) @ self.weight.astype(np.float64) + self.bias
        return np.asarray(logits, np.float64)

    def _confidences(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        shares = calibrate(logits, temperature=self.temperature, background=self.background)
        return np.asarray(np.round(shares, _DECIMALS), np.float64)

    def _prediction(self, row: NDArray[np.float64], order: NDArray[np.intp]) -> Prediction:
        top = tuple((self.labels[index], float(row[index])) for index in order)
        label, confidence = top[0]
        return Prediction(label, confidence, unknown=confidence < self.threshold, top=top)


def calibrate(
    logits: NDArray[np.float64], *, temperature: float, background: float
) -> NDArray[np.float64]:
    """Turn logits into the probabilities of the labels.

    Args:
        logits: float64 (n, k).
        temperature: divides all logits.
        background: the logit of "none of these".

    Returns:
        float64 (n, k); a row sums to 1 less the probability of "none of these".
    """
    scaled = np.pad(logits, ((0, 0), (0, 1)), constant_values=background) / temperature
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    shares = exponentials / exponentials.sum(axis=1, keepdims=True)
    return np.asarray(shares[:, :-1], np.float64)
