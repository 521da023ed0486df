"""Fitting heads."""

from __future__ import annotations

import numpy as np
import pytest

from training.discriminant import Faces
from training.fit import CAUTIOUS_THRESHOLD, fit, refit


def make(*labels: str, each: int = 12, spread: float = 0.5, seed: int = 0) -> Faces:
    """Faces in clusters, one a label, in 40 features; two views each."""
    rng = np.random.default_rng(seed)
    centres = {label: np.random.default_rng(ord(label)).normal(size=40) for label in "abcdefg"}
    names = np.repeat(labels, each)
    means = np.stack([centres[label] for label in names])[:, None]
    noise = rng.normal(scale=spread, size=(len(names), 2, 40))
    return Faces((means + noise).astype(np.float16), names)


def test_labels_that_can_be_told_apart_are() -> None:
    """New faces of the same clusters get their labels."""
    head = fit(make("a", "b", "c"), seed=0).head
    fresh = make("a", "b", "c", seed=1)
    given = [prediction.label for prediction in head.predict(fresh.embeddings[:, 0])]
    assert given == fresh.labels.tolist()


def test_strangers_are_unknown_and_the_known_are_not() -> None:
    """Most faces of labels never seen are unknown, and at most a few of the known."""
    head = fit(make("a", "b", "c", "d", each=40), seed=0).head
    known = head.predict(make("a", "b", "c", "d", each=40, seed=1).embeddings[:, 0])
    strangers = head.predict(make("e", "f", each=40, seed=1).embeddings[:, 0])
    assert np.mean([prediction.unknown for prediction in known]) < 0.1
    assert np.mean([prediction.unknown for prediction in strangers]) > 0.8


def test_two_labels_get_a_cautious_threshold() -> None:
    """Where no label can be left out, the threshold is never above the cautious one."""
    assert fit(make("a", "b"), seed=0).head.threshold <= CAUTIOUS_THRESHOLD


@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_two_faces_a_label_are_enough(spread: float) -> None:
    """The smallest allowed set is fitted, even where all its faces are equal."""
    head = fit(make("a", "b", each=2, spread=spread), seed=0).head
    faces = make("a", "b", each=2, spread=spread)
    given = [prediction.label for prediction in head.predict(faces.embeddings[:, 0])]
    assert given == faces.labels.tolist()


def test_confidence_is_calibrated() -> None:
    """Of faces that are hard to tell apart, as many are right as the confidence says."""
    head = fit(make("a", "b", "c", each=150, spread=3.0), seed=0).head
    fresh = make("a", "b", "c", each=400, spread=3.0, seed=1)
    predictions = head.predict(fresh.embeddings[:, 0])
    right = np.mean([p.label == t for p, t in zip(predictions, fresh.labels, strict=True)])
    assert abs(right - np.mean([p.confidence for p in predictions])) < 0.06


def test_a_fit_can_be_repeated() -> None:
    """The same faces and seed give the same numbers bit by bit."""
    first, second = (fit(make("a", "b", "c"), seed=5).head for _ in range(2))
    np.testing.assert_array_equal(first.weight, second.weight)
    assert first.threshold == second.threshold


def test_refit_keeps_the_calibration() -> None:
    """More faces change the weights alone."""
    fitted = fit(make("a", "b", "c"), seed=0)
    head = refit(fitted, make("a", "b", "c", each=30, seed=2))
    assert (head.weight != fitted.head.weight).any()
    assert head.temperature == fitted.head.temperature
    assert head.threshold == fitted.head.threshold
