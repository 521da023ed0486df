"""What comes of learning from some of the development data's faces and labelling the others."""

from __future__ import annotations

import functools
import itertools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.crops import groups_of, load
from training.embedding import embed_examples
from training.finetuning.tuning import FineTuning
from training.holdout import folds
from training.judge import auroc, judge, rejected_at
from training.learn import learn
from training.tune import tune
from worker.vision.embed import Embedder, EmbedderSpec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from db.records import Prediction
    from training.example import Example
    from worker.models.backbone import Backbone
    from worker.vision.classify import Head

FROZEN, FINE_TUNED = "frozen", "fine-tuned"
METHODS = (FROZEN, FINE_TUNED)

_SEED = 0
_LEFT_OUT = 2


@dataclass(slots=True, eq=False)
class Learner:
    """Learns from some faces and labels others, as `kaolabel train` and workers would.

    Attributes:
        weights: the backbone.
        method: `frozen`, a head alone, or `fine-tuned`, the backbone as well.
        taps: the layers that a head is fitted on; None for those that suit the backbone.
        home: where backbones are kept.
        cache: where embeddings are kept for its next labelling.
        seconds: what all its learning took so far, without the labelling of other faces.
    """

    weights: Backbone
    method: str
    taps: tuple[str, ...] | None
    home: Path
    cache: Path
    seconds: float = 0.0

    def label(self, test: Sequence[Example], *, train: Sequence[Example]) -> tuple[Prediction, ...]:
        """Label faces with what was learned from others."""
        started = time.perf_counter()
        head, embedder = self._fit(train) if self.method == FROZEN else self._tune(train)
        self.seconds += time.perf_counter() - started
        embeddings = embed_examples(
            test, embedder=embedder, copies=0, seed=_SEED, cache=self.cache, progress=silent
        )
        return head.predict(embeddings[:, 0])

    def _fit(self, train: Sequence[Example]) -> tuple[Head, Embedder]:
        embedder = Embedder(EmbedderSpec.of(self.weights, taps=self.taps), home=self.home)
        learned = learn(
            train,
            embedder=embedder,
            seed=_SEED,
            cache=self.cache,
            holdout_share=0,
            progress=silent,
        )
        return learned.head, embedder

    def _tune(self, train: Sequence[Example]) -> tuple[Head, Embedder]:
        """Fine-tune the network; a part of the training's faces calibrates."""
        learned, embedder = tune(
            train,
            weights=self.weights,
            settings=FineTuning(),
            home=self.home,
            seed=_SEED,
            checkpoints=None,
            holdout_share=0,
            threshold=None,
            progress=silent,
        )
        return learned.head, embedder


def cross_validate(learner: Learner, name: str, count: int) -> dict[str, Any]:
    """Test every face of a set with a model of the other folds."""
    examples, dealt = load(name), _dealt(name, count)
    said: dict[int, Prediction] = {}
    for fold in range(count):
        tested = np.flatnonzero(dealt == fold).tolist()
        train = [examples[index] for index in np.flatnonzero(dealt != fold)]
        answers = learner.label([examples[index] for index in tested], train=train)
        said |= zip(tested, answers, strict=True)
    return judge([str(examples[index].label) for index in said], list(said.values()))


def split(learner: Learner, train: Sequence[Example], test: Sequence[Example]) -> dict[str, Any]:
    """Learn from some faces and test others."""
    return judge([str(example.label) for example in test], learner.label(test, train=train))


def unknown(learner: Learner) -> dict[str, float]:
    """Leave out every pair of characters; also see what comes of faces from elsewhere."""
    characters = sorted({str(example.label) for example in load("faces96")})
    pairs = itertools.combinations(characters, _LEFT_OUT)
    found = [_leave_out(learner, pair) for pair in pairs]
    return {name: round(float(np.mean([row[name] for row in found])), 4) for name in found[0]}


def silent(stage: str, done: int, total: int, detail: str = "") -> None:
    """Show nothing."""


def _leave_out(learner: Learner, pair: tuple[str, ...]) -> dict[str, float]:
    """Learn without two characters, and see how their faces stand out."""
    familiar = [example for example in load("faces96") if example.label not in pair]
    strangers = [example for example in load("faces96") if example.label in pair]
    labels = [str(example.label) for example in familiar]
    tested = folds(labels, groups=groups_of(familiar), count=5, seed=_SEED) == 0
    test = [example for example, out in zip(familiar, tested, strict=True) if out]
    train = [example for example, out in zip(familiar, tested, strict=True) if not out]
    said = learner.label([*test, *strangers, *load("newgame")], train=train)
    confidences = np.array([prediction.confidence for prediction in said])
    flagged = np.array([prediction.unknown for prediction in said])
    ends = [len(test), len(test) + len(strangers)]
    (known, new, far), (kept, out, _) = np.split(confidences, ends), np.split(flagged, ends)
    return {
        "auroc": auroc(known, new),
        "rejected_at_95": rejected_at(known, new),
        "rejected_at_threshold": float(out.mean()),
        "kept_at_threshold": float(1 - kept.mean()),
        "newgame_auroc": auroc(known, far),
        "newgame_rejected_at_95": rejected_at(known, far),
    }


@functools.cache
def _dealt(name: str, count: int) -> NDArray[np.intp]:
    """Which fold each face of a set is in; near-duplicates are in one."""
    examples = load(name)
    labels = [str(example.label) for example in examples]
    return folds(labels, groups=groups_of(examples), count=count, seed=_SEED)
