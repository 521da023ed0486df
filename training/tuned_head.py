"""The head of a fine-tuned network: a discriminant on what it has learned to see.

On drawn characters that were held out, it labels as many faces right as the network's own last
layer. Unlike that it can be fitted again in no time: without a label, to learn how faces of unknown
characters look, and with the faces that calibrated it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from training.calibration import Calibration, calibrate_on, reject_shift, temper
from training.discriminant import scatter
from training.fit import SHRINKAGES, head_of, labels_to_leave_out

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from training.discriminant import Discriminant, Faces
    from worker.vision.classify import Head


@dataclass(frozen=True, slots=True, eq=False)
class TunedHead:
    """A head and what was chosen for it.

    Attributes:
        head: the classifier.
        shrinkage: of the discriminant behind it.
        shift: what was added to the logit of rejected faces; 0 where there are none.
        without: heads that do not know one of the labels, by that label; for some labels only, and
            none where too few would be left. The network under them has seen it.
    """

    head: Head
    shrinkage: float
    shift: float
    without: Mapping[str, Head]

    def refit(self, faces: Faces) -> Head:
        """Fit the weights again on more faces; everything else stays as it is.

        Args:
            faces: of the same labels, with rejected faces only if there were some.

        Returns:
            The new head.
        """
        head = self.head
        calibration = Calibration(head.temperature, head.background, head.threshold)
        return head_of(scatter(faces).discriminant(self.shrinkage), calibration, self.shift)


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """A shrinkage, judged by faces that the network has not learned from.

    `logits` is float64 (n, k) of the known ones, or (n, k + 1), with `shift` in the last column;
    `truth` is int (n,), the columns of their labels.
    """

    shrinkage: float
    shift: float
    loss: float
    logits: NDArray[np.float64]
    truth: NDArray[np.intp]


def fit_head(learned: Faces, validation: Faces, *, threshold: float | None = None) -> TunedHead:
    """Fit a head; shrinkage, calibration and threshold are chosen on the validation part.

    Args:
        learned: what the network has learned from, of at least two labels.
        validation: at least one face of these labels. Faces that the network knows look surer
            than any it will ever see, so that they should be others.
        threshold: take this one instead.

    Returns:
        The head and what was chosen for it.
    """
    known = validation[~validation.rejected]
    full = scatter(learned)
    trials = [_trial(full.discriminant(value), value, known) for value in SHRINKAGES]
    best = min(trials, key=lambda trial: trial.loss)
    without = {
        label: scatter(learned[learned.labels != label]).discriminant(best.shrinkage)
        for label in labels_to_leave_out(learned).tolist()
    }
    calibration = calibrate_on(
        best.logits,
        best.truth,
        _strangers(full.discriminant(best.shrinkage), without, validation, shift=best.shift),
        rejects=bool(learned.rejected.any()),
    )
    if threshold is not None:
        calibration = replace(calibration, threshold=threshold)
    heads = {name: head_of(part, calibration, best.shift) for name, part in without.items()}
    head = head_of(full.discriminant(best.shrinkage), calibration, best.shift)
    return TunedHead(head, best.shrinkage, best.shift, heads)


def _trial(discriminant: Discriminant, shrinkage: float, known: Faces) -> _Trial:
    logits = discriminant.logits(known)
    shift = reject_shift(logits) if discriminant.rejects else 0.0
    logits[:, len(discriminant.labels) :] += shift
    truth = np.searchsorted(discriminant.labels, known.labels)
    loss = temper(logits, truth, rejects=discriminant.rejects).loss
    return _Trial(shrinkage, shift, loss, logits, truth)


def _strangers(
    full: Discriminant, without: dict[str, Discriminant], validation: Faces, *, shift: float
) -> NDArray[np.float64]:
    """Logits of faces that shall be unknown, float64 (m, k) or (m, k + 1).

    Those of the rejected, and those of each label by a fit without it, whose column is -inf.
    """
    found = [full.logits(validation[validation.rejected])]
    for label, part in without.items():
        logits = part.logits(validation[validation.labels == label])
        column = int(np.searchsorted(full.labels, label))
        found.append(np.insert(logits, column, -np.inf, axis=1))
    strangers = np.concatenate(found)
    strangers[:, len(full.labels) :] += shift
    return strangers
