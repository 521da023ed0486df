"""Fitting heads."""

from __future__ import annotations

import numpy as np
import pytest

from training.calibration import CAUTIOUS_THRESHOLD, Calibration
from training.discriminant import REJECTED, Faces, scatter
from training.fit import fit, head_of, refit


def make(*labels: str, each: int = 12, spread: float = 0.5, seed: int = 0) -> Faces:
    """Faces in clusters, one a label, in 40 features; two views each."""
    rng = np.random.default_rng(seed)
    centres = {label: np.random.default_rng(ord(label)).normal(size=40) for label in "abcdefg"}
    names = np.repeat(labels, each)
    means = np.stack([centres[label] for label in names])[:, None]
    noise = rng.normal(scale=spread, size=(len(names), 2, 40))
    return Faces((means + noise).astype(np.float16), names, np.arange(len(names)))


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


def junk(count: int, *, seed: int) -> Faces:
    """Rejected faces in a wide cluster of their own."""
    rng = np.random.default_rng(seed)
    centre = np.random.default_rng(7).normal(size=40)
    embeddings = (centre + rng.normal(scale=1.5, size=(count, 2, 40))).astype(np.float16)
    return Faces(embeddings, np.full(count, REJECTED), np.arange(1000, 1000 + count))


def join(one: Faces, other: Faces) -> Faces:
    """Both."""
    return Faces(
        np.concatenate([one.embeddings, other.embeddings]),
        np.concatenate([one.labels, other.labels]),
        np.concatenate([one.groups, other.groups]),
    )


def test_rejected_faces_do_not_disturb_the_labels() -> None:
    """Junk beside the labels changes what is unknown, never how labels compete."""
    faces, both = make("a", "b", "c", each=30), join(make("a", "b", "c", each=30), junk(20, seed=1))
    plain, beside = (scatter(part).discriminant(0.3) for part in (faces, both))
    np.testing.assert_array_equal(beside.weight[:, :3], plain.weight)
    rejecting = fit(both, seed=0).head
    fresh = make("a", "b", "c", each=30, seed=3).embeddings[:, 0]
    assert np.mean([prediction.unknown for prediction in rejecting.predict(fresh)]) < 0.1
    others = rejecting.predict(junk(40, seed=2).embeddings[:, 0])
    assert np.mean([prediction.unknown for prediction in others]) > 0.9


def test_one_rejected_face_is_enough() -> None:
    """A single rejected face can be learned from, and learned again."""
    faces = join(make("a", "b", "c"), junk(1, seed=1))
    fitted = fit(faces, seed=0)
    assert fitted.head.rejects
    assert refit(fitted, faces).rejects


def test_heads_that_lack_a_label_are_kept_for_judging() -> None:
    """Each label is left out of one head, which never names it."""
    without = fit(make("a", "b", "c", "d"), seed=0).without
    assert {label: head.labels for label, head in without.items()} == {
        "a": ("b", "c", "d"),
        "b": ("a", "c", "d"),
        "c": ("a", "b", "d"),
        "d": ("a", "b", "c"),
    }


def test_labels_of_a_single_group_can_be_fitted() -> None:
    """Where all faces of each label are near-duplicates, their faces are dealt instead."""
    faces = make("a", "b", each=4)
    head = fit(Faces(faces.embeddings, faces.labels, np.repeat([0, 4], 4)), seed=0).head
    given = [prediction.label for prediction in head.predict(faces.embeddings[:, 0])]
    assert given == faces.labels.tolist()


def test_a_threshold_can_be_given() -> None:
    """Whoever knows better sets the threshold; nothing else changes."""
    chosen, given = (fit(make("a", "b", "c"), seed=0, threshold=t).head for t in (None, 0.123))
    assert given.threshold == 0.123
    assert given.temperature == chosen.temperature


def test_a_head_gives_what_its_trial_was_judged_by() -> None:
    """Distances are told from the head's last column as they were when it was calibrated."""
    faces = join(make("a", "b", "c"), junk(5, seed=1))
    discriminant = scatter(faces).discriminant(0.3)
    head = head_of(discriminant, Calibration(1.0, 0.0, 0.5), 2.0, measures=True)
    logits = discriminant.logits(faces) + np.array([0, 0, 0, 2.0])
    expected = logits * discriminant.nearness(faces)[:, None]
    np.testing.assert_allclose(head._logits(faces.embeddings[:, 0]), expected, rtol=1e-4, atol=1e-4)


def test_distances_are_taken_where_they_tell_strangers() -> None:
    """Strangers that lie far out are told by their distance, and refitting keeps that."""
    faces = make("a", "b", "c", "d", each=20)
    faces.embeddings[faces.labels == "a"] *= 3
    fitted = fit(faces, seed=0)
    assert fitted.head.measures
    assert refit(fitted, faces).measures
    assert all(head.measures for head in fitted.without.values())
