"""The tables: rates, what they cost, and whether the targets are met."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.peers.meter import Cost
    from bench.peers.result import Result

TITLES = {
    "a": "(a) the first scripts' steps",
    "plain": "    plain loop",
    "b": "(b) Ray Data, plain stages",
    "b2": "(b') Ray Data, kaolabel's stages",
    "c": "(c) bare loop, kaolabel's stages",
    "d": "(d) kaolabel label",
    "dpg": "(d) with Redis and PostgreSQL",
}
_STAGES = ("read", "hash", "decode", "detect", "crop", "embed", "classify")


@dataclass(frozen=True, slots=True)
class Run:
    """One round of a contestant.

    Attributes:
        archive: how many images there are; it may have looked at fewer.
        cost: seconds with the start, processor seconds and memory.
        result: what it found, and its steady seconds.
    """

    archive: int
    cost: Cost
    result: Result

    @property
    def steady(self) -> float:
        """Images a second without start and end."""
        return self.result.images / self.result.steady

    @property
    def whole(self) -> float:
        """Images a second of the whole archive with start and end, which it takes but once."""
        around = max(self.cost.seconds - self.result.steady, 0.0)
        return self.archive / (around + self.archive / self.steady)

    @property
    def cpu(self) -> float:
        """Processor milliseconds an image, of those that it looked at."""
        return self.cost.cpu * 1000 / self.result.images

    def to_json(self) -> dict[str, float]:
        """The figures, with no image's name."""
        return {
            "images": self.result.images,
            "images_per_second": self.whole,
            "images_per_second_steady": self.steady,
            "seconds": self.cost.seconds,
            "steady_seconds": self.result.steady,
            "cpu_ms_per_image": self.cpu,
            "peak_rss_bytes": self.cost.rss,
            "faces": len(self.result.faces),
            "images_with_a_face": len({face.path for face in self.result.faces}),
        }


Runs = dict[str, list[Run]]


@dataclass(frozen=True, slots=True)
class Target:
    """A ratio that is asked for; `figure` is `whole` or `steady`."""

    of: str
    over: str
    figure: str
    least: float

    def ratios(self, runs: Mapping[str, Sequence[Run]]) -> list[float]:
        """The ratio of each round in which both ran."""
        pairs = zip(runs.get(self.of, ()), runs.get(self.over, ()), strict=False)
        return [getattr(one, self.figure) / getattr(other, self.figure) for one, other in pairs]

    def __str__(self) -> str:
        return f"{self.of} >= {self.least:.2f} x {self.over}, {self.figure}"


TARGETS = (
    Target("d", "a", "whole", 12.0),
    Target("d", "b", "whole", 1.5),
    Target("d", "b2", "whole", 1.05),
    Target("d", "c", "steady", 0.92),
    Target("c", "plain", "steady", 1.8),
)


def print_rates(runs: Runs) -> None:
    """Print a line for each contestant: medians, and the spread of the rate with its start."""
    heads = ("with start", "least-most", "steady", "CPU ms/image", "peak MiB", "faces", "with face")
    print(f"\n{'images/s':34}" + "".join(f"{head:>14}" for head in heads))
    for name, done in runs.items():
        wholes = sorted(run.whole for run in done)
        cells = (
            f"{median(wholes):.1f}",
            f"{wholes[0]:.1f}-{wholes[-1]:.1f}",
            f"{median(run.steady for run in done):.1f}",
            f"{median(run.cpu for run in done):.1f}",
            f"{max(run.cost.rss for run in done) / 2**20:,.0f}",
            f"{len(done[0].result.faces):,}",
            _with_face(done[0]),
        )
        print(f"{TITLES[name]:34}" + "".join(f"{cell:>14}" for cell in cells))


def print_targets(runs: Runs) -> None:
    """Print each ratio that was asked for and could be measured, with its spread."""
    measured = [(target, found) for target in TARGETS if (found := sorted(target.ratios(runs)))]
    if measured:
        print(f"\n{'ratio':34}{'median':>14}{'least-most':>14}")
    for target, ratios in measured:
        middle = median(ratios)
        spread = f"{ratios[0]:.2f}-{ratios[-1]:.2f}"
        verdict = "met" if middle >= target.least else "not met"
        print(f"{target!s:34}{middle:>14.2f}{spread:>14}  {verdict}")


def print_stages(plain: Mapping[str, float], own: Mapping[str, float]) -> None:
    """Print milliseconds an image by stage."""
    print(f"\n{'CPU ms an image, one process':34}{'plain loop':>14}{'kaolabel':>14}")
    for stage in _ordered([*plain, *own]):
        cells = (f"{table[stage]:.2f}" if stage in table else "" for table in (plain, own))
        print(f"{stage:34}" + "".join(f"{cell:>14}" for cell in cells))


def print_agreement(runs: Runs) -> dict[str, int]:
    """Compare what the bare loop and the commands found; how many faces differ, by command."""
    differing: dict[str, int] = {}
    for name in ("d", "dpg"):
        if name in runs and "c" in runs:
            differing[name] = _compare(runs["c"][0].result, runs[name], TITLES[name])
    return differing


def _compare(bare: Result, runs: Sequence[Run], title: str) -> int:
    faces, boxes = set(bare.faces), {(face.path, face.box) for face in bare.faces}
    found = [set(run.result.faces) for run in runs]
    differing = sum(len(faces ^ others) for others in found)
    apart = sum(len(boxes ^ {(face.path, face.box) for face in others}) for others in found)
    verdict = "the same faces" if not differing else f"{differing} differ, {apart} by their box"
    print(f"(c) and {title.strip()}: {verdict}")
    return differing


def _ordered(stages: Iterable[str]) -> list[str]:
    """Stages as an image passes them; then what else took time, and the sums."""
    found = dict.fromkeys(stages)
    rest = [stage for stage in found if stage not in _STAGES and not stage.startswith("in all")]
    sums = [stage for stage in found if stage.startswith("in all")]
    return [*(stage for stage in _STAGES if stage in found), *rest, *sums]


def _with_face(run: Run) -> str:
    count = len({face.path for face in run.result.faces})
    return f"{count / run.result.images:.0%}"
