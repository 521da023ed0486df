"""Draw the plots of the documentation from what the other benchmarks kept.

    python bench/plots.py RESULTS PICTURES

RESULTS is a folder with their --json files, named as they are: throughput.json, detection.json,
scale.json, hosts.json, startup.json, pretraining.json. What is missing is not drawn. `make bench`
makes all of them but the last, which is the curve that a `kaolabel pretrain` left, as a list.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.peers.report import TITLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Draw = Callable[[Any, Any], None]

OURS, OTHERS, LIMIT = "#2a6f97", "#a9a9a9", "#e09f3e"
_STAGES = ("read", "hash", "decode", "view", "detect", "crop", "embed", "classify", "other")
_TONES = (
    "#333333",
    "#666666",
    "#f2cc8f",
    "#6fa8c7",
    "#2a6f97",
    "#81b29a",
    "#e07a5f",
    "#9d4edd",
    "#d0d0d0",
)
_SIZE = (6.4, 3.4)


def main() -> None:
    """Draw what there are results for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("pictures", type=Path)
    options = parser.parse_args()
    options.pictures.mkdir(parents=True, exist_ok=True)
    for source, drawings in DRAWINGS.items():
        file = options.results / f"{source}.json"
        if file.is_file():
            found = json.loads(file.read_text(encoding="utf-8"))
            for name, draw in drawings.items():
                _picture(options.pictures / f"{name}.svg", draw, found)


def throughput(axes: Any, found: Mapping[str, Any]) -> None:
    """Images a second of every contestant, with start, and the spread of its rounds."""
    runs = found["runs"]
    for place, name in enumerate(runs):
        rates = [run["images_per_second"] for run in runs[name]]
        colour = OURS if name in {"d", "dpg"} else LIMIT if name == "c" else OTHERS
        middle = median(rates)
        axes.barh(place, middle, color=colour, height=0.7)
        axes.plot([min(rates), max(rates)], [place, place], color="black", linewidth=1)
        axes.text(middle, place, f" {middle:.0f}", va="center", ha="left")
    axes.set_yticks(range(len(runs)), [TITLES[name].strip() for name in runs])
    axes.invert_yaxis()
    axes.set_xlabel("images a second, start included")
    axes.margins(x=0.12)


def stages(axes: Any, found: Mapping[str, Any]) -> None:
    """CPU time of an image by stage, of the plain loop and of kaolabel's."""
    for place, (_name, table) in enumerate(found["stages_ms"].items()):
        left = 0.0
        for stage, tone in zip(_STAGES, _TONES, strict=True):
            width = table.get(stage, 0.0)
            axes.barh(place, width, left=left, color=tone, label=stage if not place else None)
            left += width
        axes.text(left, place, f" {left:.1f}", va="center")
    axes.set_yticks(range(len(found["stages_ms"])), found["stages_ms"])
    axes.invert_yaxis()
    axes.set_xlabel("milliseconds of CPU an image")
    axes.legend(ncols=5, loc="upper center", bbox_to_anchor=(0.5, 1.3), frameon=False)


def detection(axes: Any, found: Mapping[str, Any]) -> None:
    """Faces against the cost of finding them, for each chain in both sets together."""
    sets = list(found.values())
    # Variants of the default lie too close to it to be told apart.
    for chain in (name for name in sets[0] if not name.startswith("the default,")):
        tallies = [tally[chain] for tally in sets]
        images = sum(tally["images"] for tally in tallies)
        cost = sum(tally["seconds"] for tally in tallies) / images * 1000
        faces, wrong = (sum(tally[key] for tally in tallies) for key in ("faces", "wrong"))
        axes.scatter(
            cost, faces, s=12 + 6 * wrong, color=OURS if chain == "the default" else OTHERS
        )
        axes.annotate(f"{chain} ({wrong})", (cost, faces), fontsize=7, xytext=(5, -2),
                      textcoords="offset points")  # fmt: skip
    axes.set_xlabel("milliseconds of CPU an image (wrong boxes in brackets)")
    axes.set_xlim(left=0, right=190)
    axes.set_ylabel("true faces found")


def growth(axes: Any, found: Mapping[str, Any]) -> None:
    """Images a second by the size of the archive."""
    grown = found.get("growth", [])
    for kind, colour in (("steady", OURS), ("whole", OTHERS)):
        axes.scatter([one["images"] for one in grown], [one[kind] for one in grown], color=colour,
                     label=kind)  # fmt: skip
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("images in the archive")
    axes.set_ylabel("images a second")
    axes.legend(frameon=False)


def hosts(axes: Any, found: Mapping[str, Any]) -> None:
    """Images a second by workers whose decoders rest, against as many times the decoder's rate."""
    workers = [run["workers"] for run in found["resting"]]
    axes.plot(workers, [count / found["rest"] for count in workers], "--", color=LIMIT,
              label="decoders alone")  # fmt: skip
    axes.plot(workers, [run["images_s"] for run in found["resting"]], "o-", color=OURS,
              label="with queue and ledger")  # fmt: skip
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set_xticks(workers, [str(count) for count in workers])
    axes.set_xlabel("workers, each a host with one decoder that rests")
    axes.set_ylabel("images a second")
    axes.legend(frameon=False)


def pretraining(axes: Any, found: list[dict[str, float]]) -> None:
    """What a pretraining has learned, over its steps; a line where the size of faces changes."""
    steps = [row["step"] for row in found]
    axes.plot(steps, [row["recognized"] for row in found], "o-", color=OURS, label="recognized")
    axes.set_ylim(0, 1)
    axes.set_xlabel("steps of 128 faces")
    axes.set_ylabel("share recognized")
    loss = axes.twinx()
    loss.plot(steps, [row["contrast"] for row in found], ".-", color=OTHERS, label="contrast")
    loss.set_ylabel("contrast, of one step")
    loss.spines[["top"]].set_visible(False)
    for before, after in itertools.pairwise(found):
        if before["size"] != after["size"]:
            axes.axvline(before["step"], color=LIMIT, linewidth=1)
            axes.text(before["step"], 0.02, f" {after['size']} px")
    axes.legend(handles=[*axes.lines[:1], *loss.lines], frameon=False, loc="center right")


def _picture(file: Path, draw: Draw, found: Any) -> None:
    pyplot = _pyplot()
    figure, axes = pyplot.subplots(figsize=_SIZE, layout="constrained")
    axes.spines[["top", "right"]].set_visible(False)
    draw(axes, found)
    # No date, so that the same results give the same bytes.
    figure.savefig(file, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


def _pyplot() -> Any:
    matplotlib: Any = importlib.import_module("matplotlib")
    matplotlib.use("svg")
    matplotlib.rcParams.update(
        {"svg.fonttype": "none", "svg.hashsalt": "kaolabel", "font.size": 9, "font.family": "sans"}
    )
    return importlib.import_module("matplotlib.pyplot")


DRAWINGS: dict[str, dict[str, Draw]] = {
    "throughput": {"throughput": throughput, "stages": stages},
    "detection": {"detection": detection},
    "scale": {"growth": growth},
    "hosts": {"hosts": hosts},
    "pretraining": {"pretraining": pretraining},
}

if __name__ == "__main__":
    main()
