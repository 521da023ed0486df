"""What logits are taken to mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.calibration import CAUTIOUS_THRESHOLD, calibrate_on, part, reject_shift, temper
from worker.vision.classify import calibrate

if TYPE_CHECKING:
    from numpy.typing import NDArray


def known(
    count: int = 600, *, labels: int = 3, strength: float = 3.0
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Noisy logits in which the right label stands out."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, labels, count)
    return rng.normal(size=(count, labels)) + strength * np.eye(labels)[truth], truth


def test_a_scale_of_the_logits_does_not_matter() -> None:
    """Ten times larger logits get ten times the temperature, up to the steps that are tried."""
    logits, truth = known()
    ratio = temper(10 * logits, truth).temperature / temper(logits, truth).temperature
    assert 9 < ratio < 11


def test_strangers_are_told_from_the_known() -> None:
    """Faces without evidence for any label fall below a threshold that the known pass."""
    logits, truth = known(strength=8.0)
    strangers = np.random.default_rng(1).normal(size=(300, 3))
    chosen = calibrate_on(logits, truth, strangers)
    scalars = {"temperature": chosen.temperature, "background": chosen.background}
    assert (calibrate(logits, **scalars).max(axis=1) >= chosen.threshold).mean() > 0.95
    assert (calibrate(strangers, **scalars).max(axis=1) < chosen.threshold).mean() > 0.9


def test_a_column_can_be_left_out() -> None:
    """Strangers made by taking their own label's column away are calibrated on like others."""
    logits, truth = known(strength=8.0)
    strangers = logits.copy()
    strangers[np.arange(len(truth)), truth] = -np.inf
    chosen = calibrate_on(logits, truth, strangers)
    scalars = {"temperature": chosen.temperature, "background": chosen.background}
    assert (calibrate(strangers, **scalars).max(axis=1) < chosen.threshold).mean() > 0.8


def test_without_strangers_the_threshold_is_cautious() -> None:
    """Where nothing shall be unknown, little is rejected."""
    logits, truth = known()
    chosen = calibrate_on(logits, truth, np.empty((0, 3)))
    assert chosen.threshold <= CAUTIOUS_THRESHOLD
    assert part(np.empty(0), np.empty(0)) == CAUTIOUS_THRESHOLD


def test_the_threshold_keeps_what_it_must() -> None:
    """However many strangers are above them, no more than the set share of the known is lost."""
    rng = np.random.default_rng(0)
    confidences = rng.uniform(0.2, 0.9, 1000)
    threshold = part(confidences, rng.uniform(0.5, 1, 1000), keep=0.9)
    assert (confidences >= threshold).mean() >= 0.9


def test_hardly_any_known_face_is_taken_for_a_rejected_one() -> None:
    """However loud the evidence of rejection is, the shift leaves ninety-nine of a hundred."""
    logits, _ = known()
    loud = np.column_stack([logits, np.random.default_rng(1).normal(50, 1, len(logits))])
    loud[:, -1] += reject_shift(loud)
    assert (np.logaddexp.reduce(loud[:, :-1], axis=1) > loud[:, -1]).mean() >= 0.98


def test_evidence_of_rejection_is_no_label() -> None:
    """With a column of rejected faces the confidences are still those of the labels."""
    logits, truth = known(strength=8.0)
    with_column = np.column_stack([logits, np.full(len(logits), -5.0)])
    rejected = np.column_stack([logits[:50], np.full(50, 30.0)])
    chosen = calibrate_on(with_column, truth, rejected, rejects=True)
    scalars = {"temperature": chosen.temperature, "background": chosen.background}
    assert (calibrate(rejected, **scalars)[:, :-1].max(axis=1) < chosen.threshold).all()
