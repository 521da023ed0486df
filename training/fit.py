"""Fitting a head: its weights, its calibration and its threshold."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from training.calibration import Calibration, calibrate_on, confidences, reject_shift, temper
from training.discriminant import scatter
from training.holdout import folds
from training.judge import auroc
from worker.vision.classify import Head

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from training.calibration import Tempered
    from training.discriminant import Discriminant, Faces

FOLDS = 5
# Trained backbones like much shrinkage and the seeded one little, so each fit chooses; among equals
# the first, which is the most cautious.
SHRINKAGES = (0.5, 0.3, 0.1, 0.03, 0.01)

# Each costs a fit.
_LEAVE_OUT_LABELS = 8
# Leaving one out must leave two labels to choose between.
_LEAST_TO_LEAVE_OUT = 3


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A head and what was chosen for it.

    Attributes:
        head: the classifier.
        shrinkage: of the discriminant behind it.
        shift: what was added to the logit of rejected faces; 0 where there are none.
        without: heads that do not know one of the labels, by that label; for some labels only, and
            none where too few would be left.
    """

    head: Head
    shrinkage: float
    shift: float
    without: Mapping[str, Head] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """A shrinkage, with or without distances, judged by faces that its fits have not seen.

    `logits` is float64 (n, k) or (n, k + 1), `truth` int (n,) the columns of the labels,
    `strangers` float64 (m, same columns): rejected faces, and those of labels in `without`.
    """

    shrinkage: float
    measures: bool
    shift: float
    tempered: Tempered
    logits: NDArray[np.float64]
    truth: NDArray[np.intp]
    strangers: NDArray[np.float64]
    rejects: bool
    without: Mapping[str, Discriminant] = field(default_factory=dict)

    def of(self, discriminant: Discriminant, faces: Faces) -> NDArray[np.float64]:
        """Logits of faces as this trial takes them."""
        nearness = discriminant.nearness(faces) if self.measures else None
        return _adjust(discriminant.logits(faces), len(discriminant.labels), self.shift, nearness)


def fit(faces: Faces, *, seed: int, threshold: float | None = None) -> Fitted:
    """Fit a head.

    Shrinkage, calibration and threshold come from cross-validation within these faces, so they
    need no further held-out data. So does whether the head measures distances: pretrained
    embeddings gain by it, those of untrained weights often do not. What tells faces of left-out
    labels better from the known is taken.

    Args:
        faces: of at least two labels, one of which at least has two faces.
        seed: what the folds depend on.
        threshold: take this one instead.

    Returns:
        The head, its labels sorted, and what was chosen for it.
    """
    trials = (_leave_out(faces, trial) for trial in _best_trials(faces, seed=seed))
    trial = max(trials, key=_separation)
    calibration = calibrate_on(trial.logits, trial.truth, trial.strangers, rejects=trial.rejects)
    if threshold is not None:
        calibration = replace(calibration, threshold=threshold)

    def head(discriminant: Discriminant) -> Head:
        return head_of(discriminant, calibration, trial.shift, measures=trial.measures)

    full = scatter(faces).discriminant(trial.shrinkage)
    heads = {name: head(part) for name, part in trial.without.items()}
    return Fitted(head(full), trial.shrinkage, trial.shift, heads)


def refit(fitted: Fitted, faces: Faces) -> Head:
    """Fit the weights again on more faces; everything else stays as it is.

    Args:
        fitted: on a part of the faces.
        faces: of the same labels, with rejected faces only if there were some.

    Returns:
        The new head.
    """
    head = fitted.head
    calibration = Calibration(head.temperature, head.background, head.threshold)
    full = scatter(faces).discriminant(fitted.shrinkage)
    return head_of(full, calibration, fitted.shift, measures=head.measures)


def head_of(
    discriminant: Discriminant, calibration: Calibration, shift: float, *, measures: bool = False
) -> Head:
    """Make a head of a discriminant.

    Args:
        discriminant: gives the weights.
        calibration: gives the scalars.
        shift: what to add to the logit of rejected faces.
        measures: whether the head divides its logits by distances.

    Returns:
        The head.
    """
    weight, bias = discriminant.weight, discriminant.bias.copy()
    bias[len(discriminant.labels) :] += np.float32(shift)
    if measures:
        centre, reach = discriminant.centre, np.float32(discriminant.reach)
        weight = np.column_stack([weight * reach, -2 * centre])
        bias = np.append(bias * reach, np.float32(np.square(centre, dtype=np.float64).sum()))
    return Head(
        tuple(str(label) for label in discriminant.labels),
        weight,
        bias,
        temperature=calibration.temperature,
        background=calibration.background,
        threshold=calibration.threshold,
        rejects=discriminant.rejects,
    )


def labels_to_leave_out(faces: Faces) -> NDArray[np.str_]:
    """The labels that strangers are made of, spread over all where there are many.

    Args:
        faces: to fit on.

    Returns:
        At most eight of their labels; none where too few would be left to choose between.
    """
    labels = faces.names
    if len(labels) < _LEAST_TO_LEAVE_OUT:
        return labels[:0]
    spread = np.linspace(0, len(labels) - 1, min(len(labels), _LEAVE_OUT_LABELS))
    return labels[spread.astype(np.intp)]


def _best_trials(faces: Faces, *, seed: int) -> list[_Trial]:
    """Cross-validate every shrinkage, with distances and without.

    The least negative log-likelihood wins among those with distances, and among those without.
    """
    dealt = _deal(faces, seed=seed)
    logits: dict[float, list[NDArray[np.float64]]] = {value: [] for value in SHRINKAGES}
    names, nearness = [], []
    for fold in np.unique(dealt[dealt >= 0]):
        tested, summary = faces[dealt == fold], scatter(faces[dealt != fold])
        names.append(tested.labels)
        for value in SHRINKAGES:
            discriminant = summary.discriminant(value)
            logits[value].append(discriminant.logits(tested))
        nearness.append(discriminant.nearness(tested))
    joined = {value: np.concatenate(parts) for value, parts in logits.items()}
    tested_names = np.concatenate(names)
    return [
        min(
            (_trial(value, joined[value], tested_names, faces, near) for value in SHRINKAGES),
            key=lambda trial: trial.tempered.loss,
        )
        for near in (np.concatenate(nearness), None)
    ]


def _deal(faces: Faces, *, seed: int) -> NDArray[np.int64]:
    """Deal groups to folds; where every label is a single group, its faces."""
    labels = faces.labels.tolist()
    dealt = folds(labels, groups=faces.groups, count=FOLDS, seed=seed)
    if (dealt < 0)[~faces.rejected].all():
        each = np.arange(len(labels))
        dealt = folds(labels, groups=each, count=FOLDS, seed=seed)
    return dealt


def _trial(
    shrinkage: float,
    logits: NDArray[np.float64],
    names: NDArray[np.str_],
    faces: Faces,
    nearness: NDArray[np.float64] | None,
) -> _Trial:
    labels, rejects = faces.names, bool(faces.rejected.any())
    known = np.isin(names, labels)
    shift = reject_shift(logits[known]) if rejects else 0.0
    logits = _adjust(logits, len(labels), shift, nearness)
    truth = np.searchsorted(labels, names[known])
    tempered = temper(logits[known], truth, rejects=rejects)
    measures = nearness is not None
    parts = logits[known], truth, logits[~known]
    return _Trial(shrinkage, measures, shift, tempered, *parts, rejects)


def _adjust(
    logits: NDArray[np.float64], known: int, shift: float, nearness: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Shift the logit of rejected faces, then divide all by distances if there are any."""
    logits = logits.copy()
    logits[:, known:] += shift
    return logits if nearness is None else logits * nearness[:, None]


def _leave_out(faces: Faces, trial: _Trial) -> _Trial:
    """Fit without one label at a time; the faces of each are strangers to its fit."""
    without: dict[str, Discriminant] = {}
    strangers = [trial.strangers]
    for label in labels_to_leave_out(faces).tolist():
        left_out = faces.labels == label
        without[label] = scatter(faces[~left_out]).discriminant(trial.shrinkage)
        logits = trial.of(without[label], faces[left_out])
        # In the columns of the whole fit.
        column = int(np.searchsorted(faces.names, label))
        strangers.append(np.insert(logits, column, -np.inf, axis=1))
    return replace(trial, strangers=np.concatenate(strangers), without=without)


def _separation(trial: _Trial) -> float:
    """How well confidence tells known faces from strangers; 0 where there are none."""
    if not len(trial.strangers):
        return 0.0
    known, strangers = (
        confidences(logits, trial.tempered, rejects=trial.rejects).max(axis=1)
        for logits in (trial.logits, trial.strangers)
    )
    return auroc(known, strangers)
