"""How much memory the processes of kaolabel take, and whether it grows."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil  # type: ignore[import-untyped]  # psutil ships no types

from tests.command import command_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

# What the command line of each kind of process has in it, most specific first.
_KINDS = {
    "worker.sandbox.child": "decoder",
    "spawn_main": "worker's child",
    "worker.entry": "worker",
    "redis-server": "redis",
    "kaolabel label": "producer",
    "kaolabel resume": "producer",
}

_MIB = 1024.0 * 1024.0


@dataclass(frozen=True, slots=True)
class Trend:
    """How the memory of one kind of process grows.

    Attributes:
        kind: of process.
        processes: how many were seen for long enough.
        highest: MiB that the largest of them took.
        slope: MiB per unit of what it was sampled over.
        margin: half the width of its 95% confidence interval; NaN for fewer than two processes.
    """

    kind: str
    processes: int
    highest: float
    slope: float
    margin: float


class Memory:
    """Resident memory of processes, over anything that grows: hours, or files done."""

    def __init__(self) -> None:
        self._samples: dict[str, dict[Any, list[tuple[float, float]]]] = {}

    def sample(self, at: float, processes: Iterable[psutil.Process]) -> None:
        """Note what those of a known kind take at this point; the others do not count."""
        for one in processes:
            found = kind(one)
            with suppress(psutil.Error):
                if found is not None:
                    taken = one.memory_info().rss / _MIB
                    series = self._samples.setdefault(found, defaultdict(list))
                    series[one.pid, one.create_time()].append((at, taken))

    def trends(self, *, warm_up: float) -> list[Trend]:
        """The trend of each kind, without what each process took up at the beginning.

        Args:
            warm_up: how far a process gets until it has loaded all that it needs.
        """
        return [_trend(kind, list(series.values()), warm_up) for kind, series in self._items()]

    def _items(self) -> list[tuple[str, dict[Any, list[tuple[float, float]]]]]:
        # A copy, as another thread may add to it meanwhile.
        return sorted((kind, dict(series)) for kind, series in self._samples.items())


def kind(process: psutil.Process) -> str | None:
    """What a process is to kaolabel; None for any other."""
    line = command_line(process)
    return next((name for mark, name in _KINDS.items() if mark in line), None)


def _trend(kind: str, series: list[list[tuple[float, float]]], warm_up: float) -> Trend:
    """One slope for all processes, each with a level of its own.

    Its variance is the one that holds for samples that depend on each other within a process: Liang
    and Zeger, Longitudinal data analysis using generalized linear models, 1986.
    """
    highest = max(taken for samples in series for _, taken in samples)
    warm = [_centred(samples, warm_up) for samples in series]
    groups = [group for group in warm if group.shape[1] > 1]
    spread = sum(float(x @ x) for x, _ in groups)
    if not spread:
        return Trend(kind, 0, highest, np.nan, np.nan)
    slope = sum(float(x @ y) for x, y in groups) / spread
    scores = [float(x @ (y - slope * x)) for x, y in groups]
    number = len(groups)
    margin = np.nan
    if number > 1:
        variance = number / (number - 1) * sum(score**2 for score in scores) / spread**2
        margin = _quantile(number - 1) * variance**0.5
    return Trend(kind, number, highest, slope, margin)


def _quantile(freedom: int) -> float:
    """Within how many deviations 95% of Student's distribution lie.

    Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5, to its third term.
    """
    z = 1.96
    second, third = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    return z + second / freedom + third / freedom**2


def _centred(samples: list[tuple[float, float]], warm_up: float) -> NDArray[np.float64]:
    """Where and how much, (2, samples), without the warm-up and each less its mean."""
    kept = np.array([one for one in samples if one[0] >= samples[0][0] + warm_up]).reshape(-1, 2).T
    return kept - kept.mean(axis=1, keepdims=True) if kept.size else kept
