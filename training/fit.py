"""Fitting a head: its weights, its calibration and its threshold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from training.discriminant import scatter
from training.holdout import folds
from worker.vision.classify import Head, calibrate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.discriminant import Faces

FOLDS = 5
# Trained backbones like much shrinkage and the seeded one little, so each fit chooses; among equals
# the first, which is the most cautious.
SHRINKAGES = (0.5, 0.3, 0.1, 0.03, 0.01)
# The share of rightly labelled known faces that the threshold must let pass.
KEEP = 0.97
# Where no label can be left out, too little is known to reject more.
CAUTIOUS_THRESHOLD = 0.5
_LEAVE_OUT_LABELS = 8
# Leaving one out must leave two labels to choose between.
_LEAST_TO_LEAVE_OUT = 3
_TEMPERATURES = np.geomspace(0.05, 500.0, 121)
_TINY = 1e-12
_BACKGROUND_PERCENTILE = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A head and what was chosen for it.

    Attributes:
        head: the classifier.
        shrinkage: of the discriminant behind it.
    """

    head: Head
    shrinkage: float


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """A shrinkage, judged by faces that its fits have not seen.

    `logits` is float64 (n, k), `truth` int (n,): columns.
    """

    shrinkage: float
    temperature: float
    background: float
    loss: float
    logits: NDArray[np.float64]
    truth: NDArray[np.intp]


def fit(faces: Faces, *, seed: int) -> Fitted:
    """Fit a head.

    Shrinkage, calibration and threshold come from cross-validation within these faces, so they
    need no further held-out data.

    Args:
        faces: of at least two labels, one of which at least has two faces.
        seed: what the folds depend on.

    Returns:
        The head, its labels sorted, and the shrinkage chosen for it.
    """
    trial = _best_trial(faces, seed=seed)
    discriminant = scatter(faces).discriminant(trial.shrinkage)
    head = Head(
        tuple(str(label) for label in discriminant.labels),
        discriminant.weight,
        discriminant.bias,
        temperature=trial.temperature,
        background=trial.background,
        threshold=_threshold(_known(trial), _strangers(faces, trial)),
    )
    return Fitted(head, trial.shrinkage)


def refit(fitted: Fitted, faces: Faces) -> Head:
    """Fit the weights again on more faces; everything else stays as it is.

    Args:
        fitted: on a part of the faces.
        faces: of the same labels.

    Returns:
        The new head.
    """
    discriminant = scatter(faces).discriminant(fitted.shrinkage)
    return replace(fitted.head, weight=discriminant.weight, bias=discriminant.bias)


def _best_trial(faces: Faces, *, seed: int) -> _Trial:
    """Cross-validate every shrinkage; the least negative log-likelihood wins."""
    labels = np.unique(faces.labels)
    dealt = folds(faces.labels.tolist(), count=FOLDS, seed=seed)
    logits: dict[float, list[NDArray[np.float64]]] = {value: [] for value in SHRINKAGES}
    truth: list[NDArray[np.intp]] = []
    for fold in np.unique(dealt[dealt >= 0]):
        tested, summary = faces[dealt == fold], scatter(faces[dealt != fold])
        truth.append(np.searchsorted(labels, tested.labels))
        for value in SHRINKAGES:
            logits[value].append(summary.discriminant(value).logits(tested))
    answers = np.concatenate(truth)
    trials = [_judge(value, np.concatenate(logits[value]), answers) for value in SHRINKAGES]
    return min(trials, key=lambda trial: trial.loss)


def _judge(shrinkage: float, logits: NDArray[np.float64], truth: NDArray[np.intp]) -> _Trial:
    """Find the temperature of the least loss, and the background that goes with it."""
    trials = []
    for temperature in _TEMPERATURES.round(6).tolist():
        background = _background(logits, temperature)
        shares = calibrate(logits, temperature=temperature, background=background)
        loss = _loss(shares[np.arange(len(truth)), truth])
        trials.append(_Trial(shrinkage, temperature, background, loss, logits, truth))
    return min(trials, key=lambda trial: trial.loss)


def _background(logits: NDArray[np.float64], temperature: float) -> float:
    """Put "none of these" where hardly any known face has as little evidence for all labels."""
    energies = temperature * np.logaddexp.reduce(logits / temperature, axis=1)
    return round(float(np.percentile(energies, _BACKGROUND_PERCENTILE)), 6)


def _loss(right: NDArray[np.float64]) -> float:
    """Negative log-likelihood of the right labels' probabilities.

    The target is a little below 1, by how few faces there are, as otherwise a few faces that are
    easily told apart would make for a boundless confidence; Platt 1999, "Probabilistic Outputs for
    Support Vector Machines".
    """
    target = (len(right) + 1) / (len(right) + 2)
    likely = np.clip(right, _TINY, 1 - _TINY)
    return float(-np.mean(target * np.log(likely) + (1 - target) * np.log1p(-likely)))


def _known(trial: _Trial) -> NDArray[np.float64]:
    """Confidences of known faces that are labelled right."""
    confidences = _confidences(trial.logits, trial)
    right = confidences.argmax(axis=1) == trial.truth
    return np.asarray(confidences.max(axis=1)[right], np.float64)


def _strangers(faces: Faces, trial: _Trial) -> NDArray[np.float64]:
    """Confidences of faces whose labels were left out, one label at a time."""
    labels = np.unique(faces.labels)
    if len(labels) < _LEAST_TO_LEAVE_OUT:
        return np.empty(0)
    spread = np.linspace(0, len(labels) - 1, min(len(labels), _LEAVE_OUT_LABELS)).astype(np.intp)
    confidences = []
    for label in labels[spread]:
        stranger = faces.labels == label
        discriminant = scatter(faces[~stranger]).discriminant(trial.shrinkage)
        logits = discriminant.logits(faces[stranger])
        confidences.append(_confidences(logits, trial).max(axis=1))
    return np.concatenate(confidences)


def _confidences(logits: NDArray[np.float64], trial: _Trial) -> NDArray[np.float64]:
    return calibrate(logits, temperature=trial.temperature, background=trial.background)


def _threshold(known: NDArray[np.float64], strangers: NDArray[np.float64]) -> float:
    """Part known faces from strangers, but never lose more than a few of the known.

    The lowest threshold of the best balanced accuracy is taken, as a known face that is lost costs
    more than a stranger that is let pass.
    """
    if not len(known):
        return CAUTIOUS_THRESHOLD
    limit = float(np.quantile(known, 1 - KEEP, method="lower"))
    if not len(strangers):
        return min(_down(limit), CAUTIOUS_THRESHOLD)

    def parted(threshold: float) -> float:
        return float((known >= threshold).mean() + (strangers < threshold).mean())

    return max((_down(value) for value in np.linspace(0, limit, 200)), key=parted)


def _down(value: float) -> float:
    """Cut to six decimals, as confidences have; rounding up could lose the face that it is of."""
    return float(np.floor(value * 1e6) / 1e6)
