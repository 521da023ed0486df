"""Calibration: what logits mean, judged by faces that no weight was fitted on.

Pure functions of logits, for a linear discriminant and for the last layer of a fine-tuned network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from worker.vision.classify import calibrate

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The share of rightly labelled known faces that the threshold must let pass.
KEEP = 0.97
# Where no label can be left out, too little is known to reject more.
CAUTIOUS_THRESHOLD = 0.5

_TEMPERATURES = np.geomspace(0.05, 500.0, 121).round(6)
_TINY = 1e-12
# With two of eight characters left out, 3% in place of 2% raised the area under the curve of their
# faces from 0.929 to 0.933. More helps little and is missing from every known face's confidence.
_BACKGROUND_SHARE = 0.03
_REACH = 60.0
_BISECTIONS = 40
_REJECT_PERCENTILE = 1.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """The scalars of a `Head`: temperature, background and threshold."""

    temperature: float
    background: float
    threshold: float


@dataclass(frozen=True, slots=True)
class Tempered:
    """A temperature, the background that goes with it, and the loss that both leave."""

    temperature: float
    background: float
    loss: float


def calibrate_on(
    logits: NDArray[np.float64],
    truth: NDArray[np.intp],
    strangers: NDArray[np.float64],
    *,
    rejects: bool = False,
    keep: float = KEEP,
) -> Calibration:
    """Choose temperature, background and threshold.

    Strangers are faces that shall be unknown: those of labels that a fit left out, and rejected
    ones. A network that cannot be fitted again without a label may have that label's column set to
    -inf for its own faces. It has seen those, so that the threshold rests on a guess then.

    Args:
        logits: float64 (n, k) of known faces, or (n, k + 1) with `rejects`; n at least 1.
        truth: int (n,), the columns of their labels.
        strangers: float64 (m, same columns); -inf where a column does not count; m may be 0.
        rejects: whether the last column is the logit of rejected faces.
        keep: the share of rightly labelled known faces that the threshold must let pass.

    Returns:
        The calibration.
    """
    tempered = temper(logits, truth, rejects=rejects)
    known = confidences(logits, tempered, rejects=rejects)
    right = known.argmax(axis=1) == truth
    threshold = part(
        known.max(axis=1)[right],
        confidences(strangers, tempered, rejects=rejects).max(axis=1),
        keep=keep,
    )
    return Calibration(tempered.temperature, tempered.background, threshold)


def temper(
    logits: NDArray[np.float64], truth: NDArray[np.intp], *, rejects: bool = False
) -> Tempered:
    """Find the temperature of the least loss.

    Args:
        logits: float64 (n, k) of known faces, or (n, k + 1) with `rejects`; n at least 1.
        truth: int (n,), the columns of their labels.
        rejects: whether the last column is the logit of rejected faces.

    Returns:
        The temperature, its background and the loss: the mean negative log-likelihood of the right
        labels, which compares fits with each other.
    """
    known = known_columns(logits, rejects=rejects)

    def attempt(temperature: float) -> Tempered:
        background = _background(known, temperature)
        shares = calibrate(logits, temperature=temperature, background=background)
        return Tempered(temperature, background, _loss(shares[np.arange(len(truth)), truth]))

    return min((attempt(value) for value in _TEMPERATURES.tolist()), key=lambda tried: tried.loss)


def part(
    known: NDArray[np.float64], strangers: NDArray[np.float64], *, keep: float = KEEP
) -> float:
    """Part known faces from strangers, but never lose more than a few of the known.

    The lowest threshold of the best balanced accuracy is taken, as a known face that is lost costs
    more than a stranger that is let pass.

    Args:
        known: float64 (n,), confidences of known faces that are labelled right.
        strangers: float64 (m,), confidences of strangers.
        keep: the share of the known that must pass.

    Returns:
        The threshold; cautious where there is nothing to go by.
    """
    if not len(known):
        return CAUTIOUS_THRESHOLD
    limit = float(np.quantile(known, 1 - keep, method="lower"))
    if not len(strangers):
        return min(_down(limit), CAUTIOUS_THRESHOLD)

    def parted(threshold: float) -> float:
        return float((known >= threshold).mean() + (strangers < threshold).mean())

    return max((_down(value) for value in np.linspace(0, limit, 200)), key=parted)


def reject_shift(logits: NDArray[np.float64]) -> float:
    """What to add to the logit of rejected faces so that hardly any known face is taken for one.

    It is put on a par with the labels' joint evidence where only one known face of a hundred has
    as little.

    Args:
        logits: float64 (n, k + 1) of known faces; n at least 1.

    Returns:
        The shift, rounded to six decimals.
    """
    evidence = np.logaddexp.reduce(logits[:, :-1], axis=1) - logits[:, -1]
    return round(float(np.percentile(evidence, _REJECT_PERCENTILE)), 6)


def known_columns(logits: NDArray[np.float64], *, rejects: bool) -> NDArray[np.float64]:
    """The columns of labels.

    Args:
        logits: float64 (n, k), or (n, k + 1) with `rejects`.
        rejects: whether the last column is the logit of rejected faces.

    Returns:
        float64 (n, k).
    """
    return logits[:, :-1] if rejects else logits


def confidences(
    logits: NDArray[np.float64], tempered: Tempered, *, rejects: bool
) -> NDArray[np.float64]:
    """Give the labels' probabilities.

    Args:
        logits: float64 (n, k), or (n, k + 1) with `rejects`; -inf where a column does not count.
        tempered: temperature and background.
        rejects: whether the last column is the logit of rejected faces.

    Returns:
        float64 (n, k).
    """
    shares = calibrate(logits, temperature=tempered.temperature, background=tempered.background)
    return known_columns(shares, rejects=rejects)


def _background(logits: NDArray[np.float64], temperature: float) -> float:
    """Give "none of these" the set share of the known faces' probability, and so no more.

    A percentile of their evidence took far more where labels are hard to tell apart.
    """
    energies = temperature * np.logaddexp.reduce(logits / temperature, axis=1)
    low, high = energies.min() - _REACH * temperature, energies.max()
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        taken = np.exp(-np.logaddexp(0, (energies - middle) / temperature)).mean()
        low, high = (low, middle) if taken > _BACKGROUND_SHARE else (middle, high)
    return round(float(low), 6)


def _loss(right: NDArray[np.float64]) -> float:
    """Negative log-likelihood of the right labels' probabilities.

    The target is a little below 1, by how few faces there are, as otherwise a few faces that are
    easily told apart would make for a boundless confidence; Platt 1999, "Probabilistic Outputs for
    Support Vector Machines".
    """
    target = (len(right) + 1) / (len(right) + 2)
    likely = np.clip(right, _TINY, 1 - _TINY)
    return float(-np.mean(target * np.log(likely) + (1 - target) * np.log1p(-likely)))


def _down(value: float) -> float:
    """Cut to six decimals, as confidences have; rounding up could lose the face that it is of."""
    return float(np.floor(value * 1e6) / 1e6)
