"""Learning by fine-tuning, on a few drawn faces and the untrained backbone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.random import PCG64, Generator

from training.drawn import cast, draw_face
from training.example import Example
from training.finetuning.tuning import FineTuning
from training.tune import tune
from worker.models import backbone
from worker.vision.crop import whole

if TYPE_CHECKING:
    from pathlib import Path

    from training.drawn import Character
    from training.learn import Learned
    from worker.models.backbone import Backbone
    from worker.vision.embed import Embedder

QUICK = FineTuning(tap="mixed0", size=75, epochs=1, batch=4, rate=1e-3)
NAMES = tuple(sorted(character.name for character in cast(3, seed=1)))


def silent(_stage: str, _done: int, _total: int, _detail: str = "") -> None:
    """Show nothing."""


def draw(*, rejected: int = 0, count: int = 6) -> list[Example]:
    """Faces of three characters, and some of a fourth that no label shall be given to."""
    *known, stranger = cast(4, seed=1)
    drawn: list[tuple[Character, str | None, int]] = [
        (one, one.name, number) for one in known for number in range(count)
    ]
    drawn += [(stranger, None, number) for number in range(rejected)]
    return [
        Example(whole(draw_face(one, rng=Generator(PCG64(number)))), label, "drawn")
        for one, label, number in drawn
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of kaolabel's own."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def weights(home: Path) -> Backbone:
    """Untrained weights."""
    return backbone.obtain("seeded", home=home)


def learn(
    examples: list[Example],
    weights: Backbone,
    home: Path,
    *,
    share: float = 0.2,
    threshold: float | None = None,
) -> tuple[Learned, Embedder]:
    """Fine-tune for one epoch."""
    return tune(
        examples,
        weights=weights,
        settings=QUICK,
        home=home,
        seed=0,
        checkpoints=None,
        holdout_share=share,
        threshold=threshold,
        progress=silent,
    )


@pytest.fixture(scope="module")
def rejecting(weights: Backbone, home: Path) -> tuple[Learned, Embedder]:
    """What was learned from three characters and from rejected faces."""
    return learn(draw(rejected=6), weights, home)


@pytest.fixture(scope="module")
def whole_set(weights: Backbone, home: Path) -> tuple[Learned, Embedder]:
    """What was learned where nothing is held out."""
    return learn(draw(), weights, home, share=0, threshold=0.25)


def test_rejected_faces_become_a_column(rejecting: tuple[Learned, Embedder]) -> None:
    """They are learned from as one more class, the last, that is no label."""
    learned, embedder = rejecting
    assert learned.head.rejects
    assert learned.head.labels == NAMES
    assert learned.head.weight.shape == (embedder.spec.dimension, 4)


def test_held_out_faces_teach_nothing(rejecting: tuple[Learned, Embedder]) -> None:
    """Not one of them is among the keys of what was learned from."""
    learned, _ = rejecting
    labelled = [example for example in draw(rejected=6) if example.label is not None]
    held = {one.key for one, out in zip(labelled, learned.held, strict=True) if out}
    assert len(held) >= 3
    assert held.isdisjoint(learned.trained_keys.tolist())


def test_a_head_is_judged_on_the_hold_out(rejecting: tuple[Learned, Embedder]) -> None:
    """The judgement is JSON and says whence strangers came; one more fit takes in all faces."""
    learned, _ = rejecting
    assert (learned.head.weight != learned.judged.weight).any()
    assert learned.head.threshold == learned.judged.threshold
    assert learned.counts == dict.fromkeys(NAMES, 6)
    holdout = json.loads(json.dumps(learned.holdout))
    assert holdout["n"] == learned.held.sum()
    assert 0 <= holdout["correct"] <= holdout["n"]
    assert "the network has seen" in holdout["unknown"]["how"]
    assert json.loads(json.dumps(learned.settings))["fine_tuning"]["tap"] == "mixed0"


def test_nothing_needs_to_be_held_out(whole_set: tuple[Learned, Embedder]) -> None:
    """Without a hold-out there is nothing to judge, every key is learned, and a threshold taken."""
    learned, _ = whole_set
    keys = sorted(example.key for example in draw())
    assert learned.holdout["n"] == 0
    assert not learned.held.any()
    assert learned.trained_keys.tolist() == keys
    assert not learned.head.rejects
    assert learned.head.threshold == 0.25


def test_the_embedder_is_the_fine_tuned_one(
    whole_set: tuple[Learned, Embedder], weights: Backbone
) -> None:
    """It stands for the new weights, of which it averages both sides of a face."""
    _, embedder = whole_set
    assert embedder.spec.source == "fine-tuned"
    assert embedder.spec.sha256 != weights.sha256
    assert embedder.spec.flip
    assert (embedder.spec.taps, embedder.spec.size) == (("mixed0",), 75)


def test_the_same_call_gives_the_same_head(
    whole_set: tuple[Learned, Embedder], weights: Backbone, home: Path
) -> None:
    """Examples in another order are fine-tuned to the same bits."""
    again, embedder = learn(draw()[::-1], weights, home, share=0, threshold=0.25)
    assert again.head.weight.tobytes() == whole_set[0].head.weight.tobytes()
    assert again.head.bias.tobytes() == whole_set[0].head.bias.tobytes()
    assert embedder.id == whole_set[1].id
    np.testing.assert_array_equal(again.trained_keys, whole_set[0].trained_keys)
