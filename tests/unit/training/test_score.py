"""Scores."""

from __future__ import annotations

from training.score import compare


def test_a_score_counts_by_label() -> None:
    """Right answers are counted over all faces and for each label."""
    score = compare(["a", "b", "b", "c"], ["a", "b", "a", "a"])
    assert score.to_json() == {
        "n": 4,
        "correct": 2,
        "top1": 0.5,
        "per_label": {
            "a": {"n": 1, "correct": 1},
            "b": {"n": 2, "correct": 1},
            "c": {"n": 1, "correct": 0},
        },
    }


def test_nothing_to_score_has_no_share() -> None:
    """Without faces there is no share of right answers."""
    assert compare([], []).top1 is None
