"""How many faces are labelled right with one backbone and another, and how well unknown ones show.

    python bench/backbones.py [--backbone drawn] [--backbone seeded] [--backbone WEIGHTS]
        [--methods frozen fine-tuned] [--sets keima newgame faces96 unknown] [--taps mixed3+mixed5]
        [--folds 5] [--json RESULTS] [--curve FOLDER]

Every number is of faces that the model has not seen, nor near-duplicates of them: in the rows with
folds each face is tested once, by a model of the other folds. In `unknown`, two of the six
characters of faces96 are left out of a training on four fifths of the others, once for each of the
15 pairs; the rest of the known is what must be kept. newgame stands beside them as strangers from
elsewhere. The seconds are of learning, in all trainings of a row, embedding included.

`--curve` goes over what a `kaolabel pretrain` left, every `step-*.safetensors` of a folder, frozen,
in the order of the numbers in their names, by folds alone.

With --json results are added to those that the file holds, and what it holds of the same weights is
not measured again, so that the table can be made in pieces. Needs the development data, by
KAOLABEL_DEV_DATA.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.crops import FOLDERS, TEST, TRAINING, UNRECOGNIZED, load, parted, read
from bench.judging import FROZEN, METHODS, Learner, cross_validate, split, unknown
from worker.models import backbone as backbones
from worker.models import device
from worker.vision.embed import EmbedderSpec, parse_taps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Trial = tuple[str, Callable[[Learner], Mapping[str, Any]]]

_UNKNOWN = "unknown"


def main() -> None:
    """Measure what was asked for and print one table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--backbone", action="append", default=[])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=[FROZEN])
    parser.add_argument("--sets", nargs="+", choices=(*FOLDERS, _UNKNOWN), default=list(FOLDERS))
    parser.add_argument("--taps", action="append", type=parse_taps, help="Of the frozen ones.")
    parser.add_argument("--folds", type=int, default=5, help="0 leaves those rows out.")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--curve", type=Path, help="A folder of checkpoints.")
    asked = parser.parse_args()
    results = Results.at(asked.json)
    trials = list(trials_of(asked.sets, asked.folds, parts=True))
    steps = checkpoints(asked.curve) if asked.curve else []
    for source in asked.backbone or ([] if steps else ["drawn", "seeded"]):
        for method in asked.methods:
            # A fine-tuning has a tap of its own.
            for taps in asked.taps or [None] if method == FROZEN else [None]:
                measure(source, trials, results, method=method, taps=taps)
    trials = list(trials_of(asked.sets, asked.folds, parts=False))
    for path in steps:
        for taps in asked.taps or [None]:
            measure(str(path), trials, results, method=FROZEN, taps=taps)
    results.show()
    if steps:
        show_curve(results, [path.name for path in steps])


def trials_of(sets: Sequence[str], count: int, *, parts: bool) -> Iterator[Trial]:
    """What is measured, by the name of its row; with `parts`, also by the parts that sets have."""
    for name in sets:
        if name in FOLDERS and count:
            yield f"{name}, {count} folds", partial(cross_validate, name=name, count=count)
    if parts and "keima" in sets:
        train = read(TRAINING)
        yield "keima, its own test", partial(split, train=train, test=read(TEST))
        yield "keima, unrecognized", partial(split, train=train, test=read(UNRECOGNIZED))
    if parts and "faces96" in sets:
        train, test = parted(load("faces96"))
        yield "faces96, 45 to learn", partial(split, train=train, test=test)
    if _UNKNOWN in sets:
        yield _UNKNOWN, unknown


def checkpoints(folder: Path) -> list[Path]:
    """A pretraining's checkpoints, first to last."""
    found = sorted(folder.glob("step-*.safetensors"), key=lambda path: (_numbers(path), path.name))
    if not found:
        raise SystemExit(f"there is no step-*.safetensors file in {folder}")
    return found


def measure(
    source: str,
    trials: Sequence[Trial],
    results: Results,
    *,
    method: str,
    taps: tuple[str, ...] | None,
) -> None:
    """Try one backbone in one way; every row learns anew, so that its seconds are its own."""
    with tempfile.TemporaryDirectory() as home:
        weights = backbones.obtain(source, home=Path(home))
        tapped = "+".join(EmbedderSpec.of(weights, taps=taps).taps)
        way = f"{method} {tapped}" if method == FROZEN else method
        for number, (trial, run) in enumerate(trials):
            row = {"trial": trial, "backbone": Path(source).name, "way": way}
            row["weights"] = weights.sha256
            if results.has(row):
                continue
            cache = Path(home, f"cache {number}")
            learner = Learner(weights, method, taps, home=Path(home), cache=cache)
            found = dict(run(learner))
            results.add(row | found | {"seconds": round(learner.seconds, 1), "machine": machine()})


@dataclass(slots=True, eq=False)
class Results:
    """Rows found so far, and the file that they are kept in."""

    rows: list[dict[str, Any]]
    path: Path | None

    @classmethod
    def at(cls, path: Path | None) -> Results:
        """Read what a file holds, if there is one."""
        return cls(json.loads(path.read_text()) if path and path.exists() else [], path)

    def has(self, row: Mapping[str, Any]) -> bool:
        """Whether the same was measured, with the same weights."""
        return any(old["weights"] == row["weights"] for old in self._alike(row))

    def add(self, row: dict[str, Any]) -> None:
        """Keep a row in place of one of the same name."""
        alike = self._alike(row)
        self.rows = [old for old in self.rows if old not in alike] + [row]
        print(f"{row['trial']} | {row['backbone']} | {row['way']}: {told(row)}", flush=True)
        if self.path:
            self.path.write_text(json.dumps(self.rows, indent=1) + "\n")

    def show(self) -> None:
        """Print every row that there is."""
        for trial in dict.fromkeys(row["trial"] for row in self.rows):
            print(f"\n{trial}")
            for row in self.rows:
                if row["trial"] == trial:
                    print(f"  {row['backbone']:24} {row['way']:24} {told(row)}")
        print("\non " + "; ".join(sorted({row["machine"] for row in self.rows})))

    def _alike(self, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        names = ("trial", "backbone", "way")
        return [old for old in self.rows if all(old[name] == row[name] for name in names)]


def show_curve(results: Results, names: Sequence[str]) -> None:
    """Print what becomes of each share over a pretraining, a line for each checkpoint."""
    rows = [row for row in results.rows if row["backbone"] in names]
    trials = list(dict.fromkeys(row["trial"] for row in rows))
    print(f"\n{'':50}" + "".join(f"{trial:>22}" for trial in trials))
    for name in names:
        for way in dict.fromkeys(row["way"] for row in rows if row["backbone"] == name):
            of = {r["trial"]: r for r in rows if (r["backbone"], r["way"]) == (name, way)}
            shares = "".join(f"{_share(of.get(trial)):>22}" for trial in trials)
            print(f"{name:25} {way:24}{shares}")


def told(row: Mapping[str, Any]) -> str:
    """What a row found, for people."""
    if "auroc" in row:
        return (
            f"AUROC {row['auroc']:.3f}, {row['rejected_at_95']:.1%} rejected at 95% kept "
            f"({row['rejected_at_threshold']:.1%} at {row['kept_at_threshold']:.1%} by threshold); "
            f"newgame {row['newgame_auroc']:.3f}, {row['newgame_rejected_at_95']:.1%}"
        )
    low, high = row["wilson"]
    right = f"{row['correct']}/{row['n']} = {row['top1']:.1%} ({low:.1%} to {high:.1%})"
    return f"{right}, calibration error {row['calibration_error']:.3f}; {row['seconds']:.0f} s"


def machine() -> str:
    """Processors and accelerators, for the record."""
    return f"{platform.machine()}, {os.cpu_count()} CPUs, {device.current().name}"


def _share(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "-"
    return f"AUROC {row['auroc']:.3f}" if "auroc" in row else f"{row['top1']:.1%}"


def _numbers(path: Path) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", path.stem)]


if __name__ == "__main__":
    main()
