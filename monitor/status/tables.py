"""The tables of `kaolabel status`: runs, and workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from db.records import RunState
from monitor.status.words import bar, duration
from monitor.status.workers import DEAD, DRAINING, GONE, MISSING, OTHER_MODEL, OTHER_VERSION
from worker.visible import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

_BAR = 10

# Columns of names and reasons, which may be of any length.
_FREE = {"of", "state", "worker", "device", "seen"}

_OTHERS = {OTHER_VERSION: "other version", OTHER_MODEL: "other model"}


@dataclass(frozen=True, slots=True)
class Fit:
    """How much room there is.

    Attributes:
        rows: of a table, at most; None for any number.
        tight: whether long names and reasons are cut, so that every row is one line.
        wide: whether there is room for what is only nice to have.
    """

    rows: int | None = None
    tight: bool = False
    wide: bool = True


def runs_table(runs: Sequence[dict[str, Any]], fit: Fit) -> list[RenderableType]:
    """What runs are doing, as `describe_runs` tells; the newest where only some are shown."""
    if not runs:
        return []
    some = runs if fit.rows is None else runs[-fit.rows :]
    table = _table("run", "of", "done", "", "a second", "state")
    for run in some:
        subject = run["archive"] or f"all faces, by version {run['version']}"
        rate = "" if run["per_second"] is None else f"{run['per_second']:,.1f}"
        table.add_row(
            *(str(run["run"]), _Tail(visible(subject)) if fit.tight else visible(subject)),
            *(f"{run['done']:,} of {run['listed']:,}", _part(run, fit), rate),
            _free(_state(run), fit),
            style="yellow" if _is_left_alone(run) or run["complaints"] else "",
        )
    return [Text(), table, *_more(len(runs) - len(some), "older runs")]


def workers_table(workers: Sequence[dict[str, Any]], fit: Fit) -> list[RenderableType]:
    """Who is at work, as `describe_worker` tells; the first ones where only some are shown."""
    if not workers:
        return []
    some = workers if fit.rows is None else workers[: fit.rows]
    table = _table("worker", "device", "kind", "decoders", "model", "version", "seen")
    for one in some:
        known = (one[name] for name in ("decoders", "model", "kaolabel"))
        table.add_row(
            *(_free(one[name] or "", fit) for name in ("worker", "device")),
            one["kind"],
            *("" if value is None else visible(str(value)) for value in known),
            _free(_seen(one), fit),
            style="red" if one["state"] in GONE else "yellow" if one["trouble"] else "",
        )
    return [Text(), table, *_more(len(workers) - len(some), "more workers")]


class _Tail:
    """A path in one line, of which the end is shown where there is too little room.

    Args:
        path: fit to be shown.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def __rich_measure__(self, _console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, min(cell_len(self._path), options.max_width))

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        path, cut = self._path, False
        while cell_len(path) + cut > options.max_width and path:
            path, cut = path[1:], True
        yield Text(f"…{path}" if cut else path, no_wrap=True, overflow="crop")


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        # Where there is too little room, columns of free text give way, and no number does.
        table.add_column(name, no_wrap=name not in _FREE, overflow="fold")
    return table


def _free(text: str, fit: Fit) -> Text:
    return Text(visible(text), no_wrap=fit.tight, overflow="ellipsis" if fit.tight else "fold")


def _more(number: int, what: str) -> list[RenderableType]:
    return [Text(f"and {number:,} {what}", style="dim")] if number > 0 else []


def _part(run: dict[str, Any], fit: Fit) -> str:
    if run["listing"] or not run["listed"]:
        return ""
    part = run["done"] / run["listed"]
    return f"{bar(part, _BAR)} {part:4.0%}" if fit.wide else f"{part:4.0%}"


def _is_left_alone(run: dict[str, Any]) -> bool:
    return run["state"] == RunState.ACTIVE and run["holder"] is None


def _state(run: dict[str, Any]) -> str:
    state = str(run["state"])
    if state == RunState.FINISHED:
        return f"finished in {duration(run['finished_at'] - run['started_at'])}"
    if state != RunState.ACTIVE:
        return f"{state}: {run['reason']}" if run["reason"] else state
    if _is_left_alone(run):
        return f"left alone: kaolabel resume {run['run']}"
    left = run["seconds_left"]
    todo = "still listing" if run["listing"] else f"{duration(left)} left" if left else "active"
    return "; ".join([todo, *run["complaints"]])


def _seen(worker: dict[str, Any]) -> str:
    silent = duration(worker["seen_seconds"])
    seen = {MISSING: f"not seen for {silent}", DEAD: f"dead, seen {silent} ago"}
    draining = [DRAINING] if worker["state"] == DRAINING else []
    others = [_OTHERS[what] for what in worker["trouble"] if what in _OTHERS]
    return "; ".join([seen.get(worker["state"], f"{silent} ago"), *draining, *others])
