"""Judging a model's labels."""

from __future__ import annotations

import json

import numpy as np
import pytest

from db.records import Prediction
from training.judge import auroc, calibration_error, judge, rejected_at, wilson


def says(label: str, confidence: float = 0.9) -> Prediction:
    """A prediction."""
    return Prediction(label, confidence, unknown=False, top=((label, confidence),))


def test_labels_are_counted() -> None:
    """Shares, recall, precision and confusion are those that one would count by hand."""
    found = judge(["a", "b", "b", "c"], [says(label) for label in "abaa"])
    assert (found["n"], found["correct"], found["top1"]) == (4, 2, 0.5)
    assert found["per_label"] == {
        "a": {"n": 1, "correct": 1, "given": 3, "recall": 1.0, "precision": 0.333333},
        "b": {"n": 2, "correct": 1, "given": 1, "recall": 0.5, "precision": 1.0},
        "c": {"n": 1, "correct": 0, "given": 0, "recall": 0.0, "precision": None},
    }
    assert found["confusion"] == {
        "labels": ["a", "b", "c"],
        "counts": [[0, 0, 1], [1, 0, 1], [1, 1, 1], [2, 0, 1]],
    }
    assert found["unknown"] is None


def test_nothing_to_judge_has_no_shares() -> None:
    """Without faces there is nothing to say, and it can be written down all the same."""
    found = judge([], [], strangers=np.array([0.5]), threshold=0.5)
    assert found["n"] == 0
    assert {found[name] for name in ("top1", "wilson", "calibration_error", "unknown")} == {None}
    json.dumps(found, allow_nan=False)


def test_strangers_are_told_of() -> None:
    """The block of unknown faces says how well confidence parts them from the known."""
    found = judge(
        ["a", "a"], [says("a", 0.9), says("a", 0.4)], strangers=np.array([0.1, 0.6]), threshold=0.5
    )
    assert found["unknown"] == {
        "auroc": 0.75,
        "rejected_at_95": 0.5,
        "rejected_at_threshold": 0.5,
        "kept_at_threshold": 0.5,
        "n_known": 2,
        "n_unknown": 2,
        "how": "labels left out one at a time",
    }


@pytest.mark.parametrize(
    ("correct", "n", "interval"),
    [(0, 10, [0.0, 0.277533]), (10, 10, [0.722467, 1.0]), (50, 100, [0.403832, 0.596168])],
)
def test_the_interval_is_wilsons(correct: int, n: int, interval: list[float]) -> None:
    """The ends are those of the published tables."""
    assert wilson(correct, n) == pytest.approx(interval, abs=1e-5)


def test_calibration_error_is_the_gap_in_each_bin() -> None:
    """Faces that are surer than right, or less sure, add their bin's gap."""
    confidences = np.array([0.95, 0.95, 0.15, 1.0])
    right = np.array([True, False, False, True])
    assert calibration_error(confidences, right) == pytest.approx((0.9 + 0.15) / 4, abs=1e-6)


def test_the_area_counts_ties_half() -> None:
    """Faces that cannot be told apart give one half, separated ones give one."""
    assert auroc(np.array([0.5, 0.5]), np.array([0.5])) == 0.5
    assert auroc(np.array([0.8, 0.9]), np.array([0.1, 0.2])) == 1.0


def test_rejection_keeps_the_known() -> None:
    """The threshold is the highest that still keeps the share of known faces."""
    known = np.linspace(0.01, 1, 100)
    assert rejected_at(known, np.array([0.0, 0.04, 0.06, 0.9])) == 0.5
