"""How good a model's labels are, on faces that it has not learned from."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from db.records import Prediction
    from training.discriminant import Faces
    from worker.vision.classify import Head

# Equally wide, from 0 to 1.
CALIBRATION_BINS = 10
# The share of known faces that must be kept when strangers are rejected.
KEPT = 0.95
LABELS_LEFT_OUT = "labels left out one at a time"

# Of the standard normal distribution, for 95%.
_QUANTILE = 1.959964
_DECIMALS = 6


def judge(
    truth: Sequence[str],
    predictions: Sequence[Prediction],
    *,
    strangers: NDArray[np.float64] | None = None,
    threshold: float | None = None,
    how: str = LABELS_LEFT_OUT,
) -> dict[str, Any]:
    """Compare predictions with what the faces show; the threshold is left aside where it can be.

    Args:
        truth: n labels.
        predictions: n predictions, in the same order.
        strangers: float64 (m,), confidences of faces that should be unknown.
        threshold: the model's; without it nothing is said about rejection at it.
        how: where the strangers come from.

    Returns:
        A dict for `json.dumps`, numbers rounded to six decimals: `n`, `correct`, `top1` and its
        95% interval `wilson`, `per_label`, `confusion` (its counts are [true, given, n], by
        position in its labels), `calibration_error` over ten bins, which says little of less than
        some hundred faces, and `unknown`. None where there is nothing to go by.
    """
    given = [prediction.label for prediction in predictions]
    correct = sum(label == other for label, other in zip(truth, given, strict=True))
    confidences = np.array([prediction.confidence for prediction in predictions])
    right = np.array(truth, np.str_) == np.array(given, np.str_)
    return {
        "n": len(truth),
        "correct": correct,
        "top1": _share(correct, len(truth)),
        "wilson": wilson(correct, len(truth)),
        "per_label": _per_label(truth, given),
        "confusion": _confusion(truth, given),
        "calibration_error": calibration_error(confidences, right),
        "unknown": _unknown(confidences, strangers, threshold=threshold, how=how),
    }


def judge_heads(
    head: Head, without: Mapping[str, Head], faces: Faces, *, how: str = LABELS_LEFT_OUT
) -> dict[str, Any]:
    """Judge a head by faces that it has not learned from.

    Args:
        head: the one to judge.
        without: heads that do not know one of the labels, by that label: its faces are strangers
            to them.
        faces: labelled ones, and rejected ones, which are strangers to all.
        how: where strangers come from.

    Returns:
        What `judge` gives.
    """
    known, rejected = faces[~faces.rejected], faces[faces.rejected]
    strangers = [head.confidences(rejected.embeddings[:, 0]).max(axis=1)]
    for label, other in without.items():
        left_out = faces[faces.labels == label]
        strangers.append(other.confidences(left_out.embeddings[:, 0]).max(axis=1))
    return judge(
        known.labels.tolist(),
        head.predict(known.embeddings[:, 0]),
        strangers=np.concatenate(strangers),
        threshold=head.threshold,
        how=f"{how}; and rejected faces" if len(rejected.labels) else how,
    )


def wilson(correct: int, n: int) -> list[float] | None:
    """The interval that holds the true share with 95% certainty.

    Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference".

    Args:
        correct: successes.
        n: trials.

    Returns:
        Its ends, rounded to six decimals; None without trials.
    """
    if not n:
        return None
    share, square = correct / n, _QUANTILE**2
    centre = (share + square / (2 * n)) / (1 + square / n)
    spread = math.sqrt(share * (1 - share) / n + square / (4 * n**2)) / (1 + square / n)
    half = _QUANTILE * spread
    return [_rounded(max(centre - half, 0.0)), _rounded(min(centre + half, 1.0))]


def calibration_error(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> float | None:
    """The expected difference between confidence and share of right labels.

    Over ten equally wide bins; Naeini et al. 2015, "Obtaining Well Calibrated Probabilities Using
    Bayesian Binning". Of few faces it is mostly noise: of a hundred, a perfect model shows about
    0.05.

    Args:
        confidences: float64 (n,), 0 to 1.
        right: bool (n,).

    Returns:
        0 to 1, rounded to six decimals; None without faces.
    """
    if not len(confidences):
        return None
    bins = np.minimum((confidences * CALIBRATION_BINS).astype(np.intp), CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, weights=confidences - right)
    return _rounded(float(np.abs(gaps).sum() / len(confidences)))


def auroc(known: NDArray[np.float64], strangers: NDArray[np.float64]) -> float:
    """How often a known face is more confident than a stranger; ties count half.

    Args:
        known: float64 (n,), n at least 1.
        strangers: float64 (m,), m at least 1.

    Returns:
        The area under the receiver's operating characteristic, 0 to 1.
    """
    ordered = np.sort(strangers)
    below = np.searchsorted(ordered, known, side="left")
    not_above = np.searchsorted(ordered, known, side="right")
    return float((below + not_above).mean() / (2 * len(strangers)))


def rejected_at(
    known: NDArray[np.float64], strangers: NDArray[np.float64], *, kept: float = KEPT
) -> float:
    """The share of strangers below the highest threshold that keeps a share of the known.

    Args:
        known: float64 (n,), n at least 1.
        strangers: float64 (m,), m at least 1.
        kept: the share of known faces to keep.

    Returns:
        0 to 1.
    """
    threshold = np.quantile(known, 1 - kept, method="lower")
    return float((strangers < threshold).mean())


def _per_label(truth: Sequence[str], given: Sequence[str]) -> dict[str, dict[str, Any]]:
    total, named = Counter(truth), Counter(given)
    right = Counter(label for label, other in zip(truth, given, strict=True) if label == other)
    return {
        label: {
            "n": total[label],
            "correct": right[label],
            "given": named[label],
            "recall": _share(right[label], total[label]),
            "precision": _share(right[label], named[label]),
        }
        for label in sorted(total | named)
    }


def _confusion(truth: Sequence[str], given: Sequence[str]) -> dict[str, Any]:
    labels = sorted({*truth, *given})
    at = {label: index for index, label in enumerate(labels)}
    pairs = Counter((at[label], at[other]) for label, other in zip(truth, given, strict=True))
    return {"labels": labels, "counts": [[*pair, count] for pair, count in sorted(pairs.items())]}


def _unknown(
    known: NDArray[np.float64],
    strangers: NDArray[np.float64] | None,
    *,
    threshold: float | None,
    how: str,
) -> dict[str, Any] | None:
    if strangers is None or not len(strangers) or not len(known):
        return None
    at = (
        {
            "rejected_at_threshold": float((strangers < threshold).mean()),
            "kept_at_threshold": float((known >= threshold).mean()),
        }
        if threshold is not None
        else {}
    )
    measured = {
        "auroc": auroc(known, strangers),
        "rejected_at_95": rejected_at(known, strangers),
        **at,
    }
    rounded = {name: _rounded(value) for name, value in measured.items()}
    return {**rounded, "n_known": len(known), "n_unknown": len(strangers), "how": how}


def _share(part: int, whole: int) -> float | None:
    return _rounded(part / whole) if whole else None


def _rounded(value: float) -> float:
    return round(value, _DECIMALS)
