"""How many faces a model labels right, and how well it knows what it does not know.

    python bench/accuracy.py [--method both] [--backbone seeded] [--backbone WEIGHTS]
        [--sets keima newgame faces96 unknown] [--folds 5] [--json RESULTS]

Every number is of faces that the model has not seen, nor near-duplicates of them: in the rows with
folds each face is tested once, by a model of the other folds. In `unknown`, two of the six
characters of faces96 are left out of a training on four fifths of the others, once for each of the
15 pairs; the rest of the known is what must be kept. newgame stands beside them as strangers from
elsewhere.

Needs the development data, by KAOLABEL_DEV_DATA. With --json results are added to those that the
file holds, so that the table can be made in pieces.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.crops import FOLDERS, TEST, TRAINING, UNRECOGNIZED, groups_of, load, parted, read
from training.embedding import embed_examples
from training.finetuning.tuning import FineTuning
from training.holdout import folds
from training.judge import auroc, judge, rejected_at
from training.learn import learn
from training.tune import tune
from worker.models import backbone as backbones
from worker.models import device
from worker.vision.embed import Embedder, EmbedderSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from db.records import Prediction
    from training.example import Example

    Classify = Callable[[Sequence[Example], Sequence[Example]], tuple[Prediction, ...]]

SEED = 0
LEFT_OUT = 2


def main() -> None:
    """Measure what was asked for and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--method", choices=("head", "fine-tune", "both"), default="head")
    parser.add_argument("--backbone", action="append")
    parser.add_argument("--sets", nargs="+", choices=(*FOLDERS, "unknown"))
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found: dict[str, Any] = {}
    if asked.json and asked.json.exists():
        found = json.loads(asked.json.read_text())
    with tempfile.TemporaryDirectory() as home:
        for backbone in asked.backbone or ["seeded"]:
            for method in ("head", "fine-tune") if asked.method == "both" else (asked.method,):
                classify = classifier(method, backbone, home=Path(home))
                for name, row in rows(classify, asked.sets or [*FOLDERS, "unknown"], asked.folds):
                    key = f"{name} | {method} | {Path(backbone).name}"
                    found[key] = row | {"machine": machine()}
                    print(f"{key}: {told(row)}", flush=True)
                    if asked.json:
                        asked.json.write_text(json.dumps(found, indent=1))
    print_table(found)


def rows(
    classify: Classify, sets: Sequence[str], count: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Measure one row after another."""
    for name in sets:
        if name in FOLDERS:
            yield f"{name}, {count} folds", timed(cross_validate, classify, load(name), count)
    if "keima" in sets:
        train, test = read(TRAINING), read(TEST)
        yield "keima, its own test", timed(split, classify, train, test)
        unrecognized = read(UNRECOGNIZED)
        yield "keima, its unrecognized", timed(split, classify, train, unrecognized)
    if "faces96" in sets:
        yield "faces96, 45 to learn", timed(split, classify, *parted(load("faces96")))
    if "unknown" in sets:
        yield "unknown", timed(unknown, classify)


def timed(measure: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """Measure, and add how long it took."""
    started = time.perf_counter()
    return measure(*arguments) | {"seconds": round(time.perf_counter() - started, 1)}


def cross_validate(classify: Classify, examples: list[Example], count: int) -> dict[str, Any]:
    """Test every face with a model of the other folds."""
    labels = [str(example.label) for example in examples]
    dealt = folds(labels, groups=groups_of(examples), count=count, seed=SEED)
    said: dict[int, Prediction] = {}
    for fold in range(count):
        tested = np.flatnonzero(dealt == fold).tolist()
        train = [examples[index] for index in np.flatnonzero(dealt != fold)]
        said |= zip(tested, classify(train, [examples[index] for index in tested]), strict=True)
    return judge([labels[index] for index in said], list(said.values()))


def split(classify: Classify, train: list[Example], test: list[Example]) -> dict[str, Any]:
    """Learn from some faces and test others."""
    return judge([str(example.label) for example in test], classify(train, test))


def unknown(classify: Classify) -> dict[str, Any]:
    """Leave out every pair of characters; also see what comes of faces from elsewhere."""
    examples, elsewhere = load("faces96"), load("newgame")
    characters = sorted({str(example.label) for example in examples})
    pairs = list(itertools.combinations(characters, LEFT_OUT))
    found = [leave_out(classify, examples, elsewhere, pair) for pair in pairs]
    return {name: round(float(np.mean([row[name] for row in found])), 4) for name in found[0]}


def leave_out(
    classify: Classify, examples: list[Example], elsewhere: list[Example], pair: Sequence[str]
) -> dict[str, float]:
    """Learn without two characters, and see how their faces stand out."""
    familiar = [example for example in examples if example.label not in pair]
    strangers = [example for example in examples if example.label in pair]
    labels = [str(example.label) for example in familiar]
    tested = folds(labels, groups=groups_of(familiar), count=5, seed=SEED) == 0
    test = [example for example, out in zip(familiar, tested, strict=True) if out]
    train = [example for example, out in zip(familiar, tested, strict=True) if not out]
    said = classify(train, [*test, *strangers, *elsewhere])
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


def classifier(method: str, backbone: str, *, home: Path) -> Classify:
    """A function that learns from some faces and labels others."""
    weights = backbones.obtain(backbone, home=home)
    if method == "fine-tune":
        return lambda train, test: tuned(train, test, weights=weights, home=home)
    embedder = Embedder(EmbedderSpec.of(weights), home=home)
    return lambda train, test: linear(train, test, embedder=embedder, cache=home / "cache")


def linear(
    train: Sequence[Example], test: Sequence[Example], *, embedder: Embedder, cache: Path
) -> tuple[Prediction, ...]:
    """Fit a head on embeddings of an unchanged backbone."""
    learned = learn(
        train, embedder=embedder, seed=SEED, cache=cache, holdout_share=0, progress=silent
    )
    return learned.head.predict(embedded(test, embedder=embedder, cache=cache))


def tuned(
    train: Sequence[Example], test: Sequence[Example], *, weights: backbones.Backbone, home: Path
) -> tuple[Prediction, ...]:
    """Fine-tune the network; a part of the training's faces calibrates."""
    learned, embedder = tune(
        train,
        weights=weights,
        settings=FineTuning(),
        home=home,
        seed=SEED,
        checkpoints=None,
        holdout_share=0,
        threshold=None,
        progress=silent,
    )
    return learned.head.predict(embedded(test, embedder=embedder, cache=None))


def embedded(
    examples: Sequence[Example], *, embedder: Embedder, cache: Path | None
) -> NDArray[np.float16]:
    """Embed without a word."""
    return embed_examples(
        examples, embedder=embedder, copies=0, seed=SEED, cache=cache, progress=silent
    )[:, 0]


def silent(stage: str, done: int, total: int, detail: str = "") -> None:
    """Show nothing."""


def machine() -> str:
    """Processors and accelerators, for the record."""
    return f"{platform.machine()}, {os.cpu_count()} CPUs, {device.current().name}"


def told(row: dict[str, Any]) -> str:
    """What a row found, for people."""
    if "auroc" in row:
        return (
            f"AUROC {row['auroc']:.3f}, {row['rejected_at_95']:.1%} rejected at 95% kept "
            f"({row['rejected_at_threshold']:.1%} at {row['kept_at_threshold']:.1%} by threshold); "
            f"newgame {row['newgame_auroc']:.3f}, {row['newgame_rejected_at_95']:.1%}"
        )
    low, high = row["wilson"]
    right = f"{row['correct']}/{row['n']} = {row['top1']:.1%} ({low:.1%} to {high:.1%})"
    return f"{right}, calibration error {row['calibration_error']:.3f}"


def print_table(found: dict[str, Any]) -> None:
    """Print every row that there is."""
    for where in sorted({row["machine"] for row in found.values()}):
        print(f"\non {where}")
        for key, row in sorted(found.items()):
            if row["machine"] == where:
                print(f"  {key:58} {told(row)}; {row['seconds']:.0f} s")


if __name__ == "__main__":
    main()
