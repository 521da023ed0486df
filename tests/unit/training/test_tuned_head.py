"""The head of a fine-tuned network, on clouds of points in place of embeddings."""

from __future__ import annotations

import numpy as np
import pytest

from training.discriminant import REJECTED, Faces
from training.tuned_head import TunedHead, fit_head

NAMES = ("a", "b", "c", REJECTED)
DIMENSION = 12


def clouds(names: tuple[str, ...], *, count: int, seed: int) -> Faces:
    """Points around a centre for each name, and a second view of each."""
    centres = np.random.default_rng(0).normal(size=(len(NAMES), DIMENSION))
    rng = np.random.default_rng(seed)
    around = [centres[NAMES.index(name)] for name in names for _ in range(count)]
    points = np.stack(around)[:, None] + rng.normal(scale=0.4, size=(len(around), 2, DIMENSION))
    labels = np.repeat(np.array(names), count)
    return Faces(points.astype(np.float16), labels, np.arange(len(labels)))


@pytest.fixture(scope="module")
def fitted() -> TunedHead:
    """Three labels and rejected faces; half as many to calibrate with as to learn from."""
    return fit_head(clouds(NAMES, count=20, seed=1), clouds(NAMES, count=10, seed=2))


def test_new_faces_are_labelled(fitted: TunedHead) -> None:
    """Faces of the labels get their names; the column of rejected ones gives none."""
    new = clouds(("a", "b", "c"), count=20, seed=3)
    said = fitted.head.predict(new.embeddings[:, 0])
    assert [one.label for one in said] == new.labels.tolist()
    assert np.mean([one.unknown for one in said]) < 0.15
    assert fitted.head.labels == ("a", "b", "c")
    assert fitted.head.rejects


def test_faces_like_the_rejected_are_unknown(fitted: TunedHead) -> None:
    """What looks like them falls below the threshold."""
    new = clouds((REJECTED,), count=20, seed=3)
    assert np.mean([one.unknown for one in fitted.head.predict(new.embeddings[:, 0])]) > 0.9


def test_each_label_is_left_out_once(fitted: TunedHead) -> None:
    """There is a head without each label, of the same calibration, and it is less sure of it."""
    assert fitted.without.keys() == {"a", "b", "c"}
    for label, head in fitted.without.items():
        own = clouds((label,), count=20, seed=3).embeddings[:, 0]
        assert label not in head.labels
        assert head.temperature == fitted.head.temperature
        assert head.confidences(own).max(1).mean() < fitted.head.confidences(own).max(1).mean()


def test_two_labels_leave_none_out() -> None:
    """One label alone could not be told from anything."""
    both = ("a", "b")
    fitted = fit_head(clouds(both, count=20, seed=1), clouds(both, count=10, seed=2))
    assert not fitted.without
    assert not fitted.head.rejects
    assert fitted.shift == 0


def test_a_given_threshold_is_taken() -> None:
    """It replaces the chosen one and nothing else."""
    learned, validation = clouds(NAMES, count=20, seed=1), clouds(NAMES, count=10, seed=2)
    given = fit_head(learned, validation, threshold=0.75).head
    chosen = fit_head(learned, validation).head
    assert given.threshold == 0.75
    assert chosen.threshold != 0.75
    assert given.temperature == chosen.temperature


def test_more_faces_change_the_weights_alone(fitted: TunedHead) -> None:
    """A head that is fitted again keeps its calibration."""
    again = fitted.refit(clouds(NAMES, count=40, seed=4))
    assert (again.weight != fitted.head.weight).any()
    assert again.temperature == fitted.head.temperature
    assert again.background == fitted.head.background
    assert again.threshold == fitted.head.threshold
