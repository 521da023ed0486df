"""Splits of labelled faces."""

from __future__ import annotations

import numpy as np
import pytest

from training.holdout import folds, hold_out


@pytest.mark.parametrize(("count", "held"), [(2, 0), (3, 0), (4, 1), (10, 2), (75, 15)])
def test_a_fifth_of_each_label_is_held_out(count: int, held: int) -> None:
    """Each label gives a fifth, at least one of four or more, and nothing below that."""
    labels = ["a"] * count + ["b"] * 50
    chosen = hold_out(labels, seed=0)
    assert chosen[:count].sum() == held
    assert chosen[count:].sum() == 10


def test_the_seed_decides() -> None:
    """The same seed gives the same split, another one another."""
    labels = ["a", "b"] * 50
    np.testing.assert_array_equal(hold_out(labels, seed=3), hold_out(labels, seed=3))
    assert (hold_out(labels, seed=3) != hold_out(labels, seed=4)).any()


def test_every_fold_leaves_faces_of_every_label() -> None:
    """Whichever fold is tested, every label is still learned."""
    labels = ["a"] * 2 + ["b"] * 7 + ["c"]
    dealt = folds(labels, count=5, seed=0)
    for fold in range(5):
        assert {label for label, at in zip(labels, dealt, strict=True) if at != fold} == set("abc")
    assert dealt[-1] == -1
