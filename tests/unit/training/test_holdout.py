"""Splits of labelled faces."""

from __future__ import annotations

import numpy as np
import pytest

from training.holdout import folds, hold_out


def keys(count: int, *, seed: int = 0) -> list[int]:
    """Keys as hashes give them."""
    return [int(key) for key in np.random.default_rng(seed).integers(0, 2**63, count)]


def alone(count: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Faces without near-duplicates."""
    return np.arange(count)


def test_about_a_fifth_of_each_label_is_held_out() -> None:
    """Large labels give a fifth of their faces, as far as chance allows."""
    held = hold_out(["a"] * 500 + ["b"] * 500, keys=keys(1000), groups=alone(1000))
    assert 75 <= held[:500].sum() <= 125
    assert 75 <= held[500:].sum() <= 125


@pytest.mark.parametrize("count", range(2, 12))
def test_small_labels_give_one_at_least_and_half_at_most(count: int) -> None:
    """A label of four gives a face, one of fewer gives none, and none gives more than half."""
    for seed in range(20):
        held = hold_out(["a"] * count, keys=keys(count, seed=seed), groups=alone(count))
        assert held.sum() <= count / 2
        assert held.any() == (count >= 4)


def test_what_is_held_out_stays_so_when_faces_are_added() -> None:
    """Whatever is added later, no face of a large label comes back from the hold-out."""
    labels, names = ["a", "b"] * 100, keys(200)
    before = hold_out(labels, keys=names, groups=alone(200))
    later = hold_out(labels * 3, keys=names + keys(400, seed=1), groups=alone(600))
    np.testing.assert_array_equal(before, later[:200])


def test_the_order_of_the_faces_does_not_matter() -> None:
    """A face is held out or not, wherever it stands."""
    labels, names, order = ["a", "b"] * 20, keys(40), np.random.default_rng(0).permutation(40)
    held = hold_out(labels, keys=names, groups=alone(40))
    mixed = hold_out(
        [labels[at] for at in order], keys=[names[at] for at in order], groups=alone(40)
    )
    np.testing.assert_array_equal(held[order], mixed)


def test_near_duplicates_stay_together() -> None:
    """No group is on both sides, whichever labels and unlabelled faces are in it."""
    groups = np.repeat(np.arange(40), 3)
    labels = ["a", "b", None] * 40
    held = hold_out(labels, keys=keys(120), groups=groups).reshape(40, 3)
    assert (held.all(axis=1) | ~held.any(axis=1)).all()
    assert held.any()


def test_nothing_can_be_held_out() -> None:
    """A share of zero holds nothing out, not even of labels that could spare it."""
    assert not hold_out(["a"] * 50, keys=keys(50), groups=alone(50), share=0).any()


def test_every_fold_leaves_faces_of_every_label() -> None:
    """Whichever fold is tested, every label is still learned."""
    labels = ["a"] * 2 + ["b"] * 7 + ["c"]
    dealt = folds(labels, groups=alone(10), count=5, seed=0)
    for fold in range(5):
        assert {label for label, at in zip(labels, dealt, strict=True) if at != fold} == set("abc")
    assert dealt[-1] == -1


def test_no_group_is_in_two_folds() -> None:
    """Near-duplicates are tested together, and a label of one group is never tested."""
    groups = np.repeat(np.arange(15), 2)
    labels = ["a"] * 28 + ["b"] * 2
    dealt = folds(labels, groups=groups, count=5, seed=0).reshape(15, 2)
    assert (dealt[:, 0] == dealt[:, 1]).all()
    assert sorted(np.bincount(dealt[:14, 0])) == [2, 3, 3, 3, 3]
    assert (dealt[14] == -1).all()
