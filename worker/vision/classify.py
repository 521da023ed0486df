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
# Keeps a face at the very centre from a division by zero.
_LEAST_SQUARE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A softmax over the labels and one more outcome, "none of these", of constant logit.

    That outcome lets the confidence fall where all logits are low, which a softmax over the labels
    alone cannot see; Hendrycks et al. 2022, "Scaling Out-of-Distribution Detection for Real-World
    Settings", find the largest logit the better sign of unknown classes.

    Where faces were rejected, the head has learned what they look like: one more column after those
    of the labels. It stands beside the constant in the softmax, so that the two join smoothly, by
    `logaddexp`, and either alone is enough to lower the confidence. It is never named.

    A head may measure: then all logits are divided by the embedding's distance from a centre. Odd
    faces lie far out, where some label's logit is large by mere length. A last column gives, with
    the embedding's squared length, the square of that distance: |x - c|^2 = |x|^2 - 2cx + |c|^2.

    Attributes:
        labels: k names; the order of the columns.
        weight: float32 (d, columns): k, one more with `rejects`, and one more where the head
            measures; the features' standardization is folded in.
        bias: float32 (columns,).
        temperature: divides all logits (Guo et al. 2017, "On Calibration of Modern Neural
            Networks").
        background: the logit of "none of these", before the temperature.
        threshold: a confidence below it means unknown.
        rejects: whether the column after the labels' is the logit of faces like the rejected ones.
    """

    labels: tuple[str, ...]
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    temperature: float
    background: float
    threshold: float
    rejects: bool = False

    def __post_init__(self) -> None:
        count = len(self.labels)
        if not count or len(set(self.labels)) != count or not all(self.labels):
            raise ValueError("a head needs labels, each with a name of its own")
        columns = count + self.rejects
        shapes = self.weight.shape[1:], self.bias.shape
        if shapes not in {((columns,), (columns,)), ((columns + 1,), (columns + 1,))}:
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

    @property
    def measures(self) -> bool:
        """Whether logits are divided by the distance from the centre."""
        return len(self.bias) > len(self.labels) + self.rejects

    def predict(self, embeddings: NDArray[np.float16]) -> tuple[Prediction, ...]:
        """Classify embeddings.

        Args:
            embeddings: float16 (n, d).

        Returns:
            n predictions in the same order, each with the five most likely labels.

        Raises:
            ValueError: the embeddings are not of the length that the head takes.
        """
        columns, confidences = self.scores(embeddings)
        return tuple(
            self._prediction(row, order)
            for row, order in zip(confidences.tolist(), columns.tolist(), strict=True)
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
        points = embeddings.astype(np.float64)
        columns = np.asarray(points @ self.weight.astype(np.float64) + self.bias, np.float64)
        if not self.measures:
            return columns
        squares = np.einsum("nd,nd->n", points, points) + columns[:, -1]
        distances = np.sqrt(np.maximum(squares, _LEAST_SQUARE))
        return np.asarray(columns[:, :-1] / distances[:, None], np.float64)

    def _confidences(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        shares = calibrate(logits, temperature=self.temperature, background=self.background)
        return np.asarray(np.round(shares[:, : len(self.labels)], _DECIMALS), np.float64)

    def _prediction(self, confidences: list[float], columns: list[int]) -> Prediction:
        names = (self.labels[column] for column in columns)
        top = tuple(zip(names, confidences, strict=True))
        label, confidence = top[0]
        return Prediction(label, confidence, unknown=confidence < self.threshold, top=top)

    def scores(
        self, embeddings: NDArray[np.float16]
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Give the most likely labels, as `predict` does, but with no object a face.

        Args:
            embeddings: float16 (n, d).

        Returns:
            The labels' columns, intp (n, 5) or (n, k) of fewer labels, best first, and their
            confidences, float64 of the same shape, to six decimals.

        Raises:
            ValueError: the embeddings are not of the length that the head takes.
        """
        logits = self._logits(embeddings)
        confidences = self._confidences(logits)
        # By logits, as confidences of next to nothing are all rounded to the same.
        columns = _largest(logits[:, : len(self.labels)], min(TOP, len(self.labels)))
        return columns, np.take_along_axis(confidences, columns, axis=1)


def _largest(values: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """The columns of the `count` largest values of each row, of equal ones the first."""
    rest = values.copy()
    rows = np.arange(len(rest))
    columns = np.empty((len(rest), count), np.intp)
    for place in range(count):
        columns[:, place] = rest.argmax(axis=1)
        rest[rows, columns[:, place]] = -np.inf
    return columns


def calibrate(
    logits: NDArray[np.float64], *, temperature: float, background: float
) -> NDArray[np.float64]:
    """Turn logits into the probabilities of the labels.

    Args:
        logits: float64 (n, k), or (n, k + 1) with the logit of rejected faces.
        temperature: divides all logits.
        background: the logit of "none of these".

    Returns:
        float64 of the same shape; a row sums to 1 less the probability of the background.
    """
    scaled = np.pad(logits, ((0, 0), (0, 1)), constant_values=background) / temperature
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    shares = exponentials / exponentials.sum(axis=1, keepdims=True)
    return np.asarray(shares[:, :-1], np.float64)
