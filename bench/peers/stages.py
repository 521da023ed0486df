"""Where the processor's time goes: each stage of the plain loop and of kaolabel, one process.

    python -m bench.peers.stages ARCHIVE HOME OUT --stages plain|kaolabel [--images 300]

Python's own profiler times every function, those of libraries too. What a library takes is charged
to the nearest caller that is a stage: a function of the plain loop, or a module of kaolabel. Thus
nothing is counted twice, and no stage needs a clock in it. Everything is warm, and one thread runs.
"""

from __future__ import annotations

import cProfile
import hashlib
import json
import pstats
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.peers import plain
from bench.peers.bare import own_labeller
from bench.peers.order import parser, read_order

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.peers.loop import Labeller
    from bench.peers.order import Order

    # File, line and name of a function, as the profiler knows it.
    Function = tuple[str, int, str]

_ROOT = Path(__file__).parents[2]
_MAKERS: dict[str, Callable[[Order], Labeller]] = {
    "plain": plain.plain_labeller,
    "kaolabel": own_labeller,
}
# Modules that only serve the stages that call them.
_SERVANTS = {"worker/vision/resize.py", "worker/sandbox/look.py"}
_OTHER = "other"
# Milliseconds an image below which a stage is no line of its own.
_LEAST = 0.05


def run(order: Order, stages: str) -> dict[str, float]:
    """Processor milliseconds an image by stage, and in all with and without the profiler."""
    labeller = _MAKERS[stages](order)
    labeller.warm_up()
    paths = order.paths()
    label(labeller, order, paths[:10], hashed=False)
    started = time.process_time()
    label(labeller, order, paths, hashed=stages == "kaolabel")
    unprofiled = time.process_time() - started
    profile = cProfile.Profile(time.process_time)
    profile.runcall(label, labeller, order, paths, hashed=stages == "kaolabel")
    spent = Charges(pstats.Stats(profile).stats).seconds()  # type: ignore[attr-defined]  # not in its types
    whole = {"in all": sum(spent.values()), "in all, without the profiler": unprofiled}
    table = {stage: seconds * 1000 / len(paths) for stage, seconds in (spent | whole).items()}
    small = {stage for stage, cost in table.items() if cost < _LEAST and stage != _OTHER}
    table[_OTHER] = table.get(_OTHER, 0.0) + sum(table.pop(stage) for stage in small)
    return table


def label(labeller: Labeller, order: Order, paths: list[str], *, hashed: bool) -> None:
    """Label some images, and hash their bytes where the one measured does that, too."""
    for path in paths:
        data = read(order, path)
        if hashed:
            digest(data)
        labeller.add(path, data)
    labeller.finish()


def read(order: Order, path: str) -> bytes:
    """A file's bytes."""
    return (order.archive / path).read_bytes()


def digest(data: bytes) -> bytes:
    """Their hash, by which kaolabel knows them."""
    return hashlib.sha256(data).digest()


class Charges:
    """Charges each function's own time to its nearest callers with a stage.

    Args:
        stats: of each function its calls, its own and its whole seconds, and the same by caller,
            as `pstats` has them.
    """

    def __init__(self, stats: dict[Function, Any]) -> None:
        self._stats = stats
        self._known: dict[Function, dict[str, float]] = {}
        self._open: set[Function] = set()

    def seconds(self) -> dict[str, float]:
        """Seconds by stage."""
        spent: dict[str, float] = defaultdict(float)
        for function, (_, _, own, _, _) in self._stats.items():
            for stage, share in self._shares(function).items():
                spent[stage] += own * share
        return dict(spent)

    def _shares(self, function: Function) -> dict[str, float]:
        """Which part of a function's time is which stage's."""
        stage, callers = stage_of(function), self._stats[function][4]
        # A function that is its own caller's caller belongs to nobody by that way.
        if stage or not callers or function in self._open:
            return {stage or _OTHER: 1.0}
        if function not in self._known:
            self._open.add(function)
            self._known[function] = self._split(callers)
            self._open.discard(function)
        return self._known[function]

    def _split(self, callers: dict[Function, Any]) -> dict[str, float]:
        """Divide by what the function took itself when called by each."""
        whole = sum(edge[2] for edge in callers.values())
        parts: dict[str, float] = defaultdict(float)
        for caller, edge in callers.items():
            weight = edge[2] / whole if whole else 1 / len(callers)
            for stage, share in self._shares(caller).items():
                parts[stage] += weight * share
        return dict(parts)


def stage_of(function: Function) -> str | None:
    """The stage that a function is a part of; None where its callers' counts."""
    file, _, name = function
    if not file.startswith(str(_ROOT)) or ".venv" in file:
        return None
    place = Path(file).relative_to(_ROOT)
    if place == Path("bench/peers/plain.py"):
        return name if name in {"decode", "detect", "crop", "classify"} else None
    if place == Path("bench/peers/stages.py"):
        return {"read": "read", "digest": "hash"}.get(name, _OTHER)
    return place.stem if place.parts[0] == "worker" and str(place) not in _SERVANTS else None


if __name__ == "__main__":
    command_line = parser(__doc__)
    command_line.add_argument("--stages", choices=sorted(_MAKERS), required=True)
    options = command_line.parse_args()
    work = read_order(options)
    work.out.write_text(json.dumps(run(work, options.stages)), encoding="ascii")
