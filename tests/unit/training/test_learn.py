"""Learning a head from examples, with an embedder that needs no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from db.errors import UsageError
from tests.squares import COLOURS, GREY, Thumbnails, coloured, silent, squares
from training.embedding import embed_examples
from training.example import Example
from training.learn import Learned, learn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray


def taught(
    examples: Sequence[Example], home: Path, *, share: float = 0.2, threshold: float | None = None
) -> Learned:
    """Learn without a cache."""
    return learn(
        examples,
        embedder=Thumbnails(home),
        seed=0,
        cache=None,
        holdout_share=share,
        threshold=threshold,
        progress=silent,
    )


def confidence(learned: Learned, examples: Sequence[Example], home: Path) -> NDArray[np.float64]:
    """How sure the head is of each."""
    embeddings = embed_examples(
        examples, embedder=Thumbnails(home), copies=0, seed=0, cache=None, progress=silent
    )
    return np.asarray(learned.head.confidences(embeddings[:, 0]).max(axis=1), np.float64)


def test_what_is_learned_is_judged_on_the_hold_out(tmp_path: Path) -> None:
    """The hold-out is judged by a head that has not seen it, and told of in full."""
    examples = coloured()
    learned = taught(examples, tmp_path)
    keys = np.array([example.key for example in examples], np.uint64)
    assert learned.holdout["n"] == learned.holdout["correct"] == learned.held.sum() >= 3
    assert learned.holdout["unknown"]["n_unknown"] == learned.held.sum()
    np.testing.assert_array_equal(np.sort(keys[~learned.held]), learned.trained_keys)
    assert learned.counts == dict.fromkeys(COLOURS, 12)
    assert (learned.head.weight != learned.judged.weight).any()


def test_the_order_of_examples_does_not_matter(tmp_path: Path) -> None:
    """The same examples give the same bits in any order."""
    examples = coloured()
    first, second = taught(examples, tmp_path), taught(examples[::-1], tmp_path)
    np.testing.assert_array_equal(first.head.weight, second.head.weight)
    np.testing.assert_array_equal(first.held, second.held[::-1])
    assert first.head.threshold == second.head.threshold
    assert first.holdout == second.holdout


def test_without_a_hold_out_everything_is_learned(tmp_path: Path) -> None:
    """A share of zero leaves nothing to judge, and a given threshold is taken."""
    learned = taught(coloured(4), tmp_path, share=0, threshold=0.25)
    assert learned.holdout["n"] == 0
    assert learned.head.threshold == learned.judged.threshold == 0.25
    np.testing.assert_array_equal(learned.head.weight, learned.judged.weight)


def test_rejected_faces_are_unknown(tmp_path: Path) -> None:
    """Faces like the rejected lose their confidence; those of the labels keep theirs."""
    examples = coloured(20)
    junk = squares(None, GREY, count=15, seed=7)
    without, learned = taught(examples, tmp_path), taught([*examples, *junk], tmp_path)
    assert learned.head.rejects
    assert not without.head.rejects
    more = squares(None, GREY, count=15, seed=8)
    assert (confidence(learned, more, tmp_path) < learned.head.threshold).mean() > 0.8
    assert (confidence(learned, examples, tmp_path) >= learned.head.threshold).mean() > 0.9
    assert learned.holdout["unknown"]["how"].endswith("and rejected faces")


def test_what_a_face_is_not_is_learned_where_it_helps(tmp_path: Path) -> None:
    """A face that would be given just the label it has not is learned from as rejected."""
    orange = squares(None, (30, 90, 190), count=6, seed=5, denied=("red",))
    assert taught([*coloured(), *orange], tmp_path).settings["rejected"] == 6
    harmless = squares(None, (30, 90, 190), count=6, seed=5, denied=("blue",))
    learned = taught([*coloured(), *harmless], tmp_path)
    assert learned.settings["rejected"] == 0
    assert not learned.head.rejects


def test_contradictions_are_told(tmp_path: Path) -> None:
    """A face with two labels is in neither part."""
    examples = coloured()
    twin = Example(examples[0].crop, "red", "twin")
    learned = taught([*examples, twin], tmp_path)
    assert {item.origin for item in learned.contradictions} == {examples[0].origin, "twin"}
    assert learned.counts["blue"] == 11
    assert examples[0].key not in learned.trained_keys
    assert not learned.held[[0, -1]].any()


def test_one_label_is_refused(tmp_path: Path) -> None:
    """What cannot be told apart is not learned."""
    with pytest.raises(UsageError, match="two labels"):
        taught(squares("red", COLOURS["red"], count=5, seed=0), tmp_path)
