"""The tables of `bench/hosts.py`, for a terminal and for a page."""

from __future__ import annotations

import statistics
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from bench.lan.meter import PARTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Line = Mapping[str, Any]
    Columns = Mapping[str, Callable[[Line], object]]
    Section = tuple[str, Sequence[Line], Columns]

_WIDTH = 180


def render(found: Mapping[str, Any]) -> str:
    """All tables for a terminal, and what is derived from them.

    Args:
        found: `real`, `resting`, `limit` and `idle`, each a list of what `run` tells; `rest`, the
            seconds over an image, and `delay`, the milliseconds that a packet takes.
    """
    console = Console(width=_WIDTH, highlight=False)
    with console.capture() as capture:
        for title, lines, columns in _sections(found):
            console.print(_table(title, lines, columns))
        console.print("\n".join(_remarks(found)))
    return capture.get()


def markdown(found: Mapping[str, Any]) -> str:
    """The same as `render`, for a page of documentation."""
    parts = []
    for title, lines, columns in _sections(found):
        rows = [list(columns), ["--:"] * len(columns)]
        rows += [[str(cell(line)) for cell in columns.values()] for line in lines]
        parts.append("\n".join([f"{title}:", "", *(f"| {' | '.join(row)} |" for row in rows)]))
    return "\n\n".join([*parts, "\n".join(f"- {line}" for line in _remarks(found)), ""])


def real_lines(runs: Sequence[Line]) -> list[dict[str, Any]]:
    """One line for each number of workers, of the runs with it."""
    lines: list[dict[str, Any]] = []
    for workers, some in groupby(runs, key=lambda run: run["workers"]):
        same = list(some)
        rates = [run["images_s"] for run in same]
        cores = [sum(run["used"]["cpu_share"].values()) for run in same]
        line = {
            "workers": workers,
            "images_s": statistics.median(rates),
            "spread": (min(rates), max(rates)),
            "cores": statistics.median(cores),
            "cpu_ms_per_image": {
                part: statistics.median(run["used"]["cpu_ms_per_image"][part] for run in same)
                for part in PARTS
            },
        }
        first = lines[0] if lines else line
        lines.append(line | {"of_first": line["images_s"] / first["images_s"]})
    return lines


def resting_lines(runs: Sequence[Line], *, rest: float) -> list[dict[str, Any]]:
    """The runs with what they are of the ideal: by the decoder's own rate, and by one worker's."""
    one = runs[0]["images_s"] / runs[0]["workers"]
    return [
        {
            **run,
            "of_decoder": run["images_s"] * rest / run["workers"],
            "of_one": run["images_s"] / (one * run["workers"]),
        }
        for run in runs
    ]


def derived(run: Line, limit: Line, *, rest: float) -> list[str]:
    """What a core of each server would carry, by what it took for a whole run."""
    lines = []
    for part in ("postgresql", "redis", "producer"):
        image = run["whole"]["cpu_ms_per_image"][part]
        job = limit["used"]["cpu_ms_per_job"][part]
        rate = 1000 / max(image, 1e-3)
        lines.append(
            f"Derived: {part} takes {image:.2f} ms an image, so a core of it carries"
            f" {rate:,.0f} images/s, as of {rate * rest:,.0f} of these decoders; and"
            f" {1000 / max(job, 1e-3):,.0f} of the smallest jobs a second."
        )
    return lines


def _sections(found: Mapping[str, Any]) -> list[Section]:
    """Title, lines and columns of each table."""
    sections: list[Section] = []
    if found["real"]:
        sections.append(("Decoders that compute", real_lines(found["real"]), _REAL))
    if found["resting"]:
        lines = resting_lines(found["resting"], rest=found["rest"])
        sections += [
            (f"Decoders that rest {1000 * found['rest']:g} ms an image", lines, _RESTING),
            ("Meanwhile, in cores", lines, _SHARES),
            ("The smallest jobs, with no rest", found["limit"], _LIMIT),
            ("Nothing to do, in cores", found["idle"], _IDLE),
        ]
    return sections


def _remarks(found: Mapping[str, Any]) -> list[str]:
    delay = found["delay"]
    remarks = [f"A packet takes {delay:g} ms." if delay else "No delay between hosts."]
    if found["resting"]:
        remarks += derived(found["resting"][-1], found["limit"][-1], rest=found["rest"])
    return remarks


def _table(title: str, lines: Sequence[Line], columns: Columns) -> Table:
    table = Table(title=title, title_justify="left")
    for name in columns:
        table.add_column(name, justify="right")
    for line in lines:
        table.add_row(*(str(cell(line)) for cell in columns.values()))
    return table


def _by_part(field: str, shown: str) -> Columns:
    """A column for each part of a field of what was used."""

    def column(part: str) -> Callable[[Line], str]:
        return lambda line: format(line["used"][field][part], shown)

    return {part: column(part) for part in PARTS}


def _cpu_of_image(line: Line) -> str:
    return " + ".join(f"{line['cpu_ms_per_image'][part]:.1f}" for part in PARTS)


_REAL: Columns = {
    "hosts": lambda line: line["workers"],
    "images/s": lambda line: f"{line['images_s']:.1f}",
    "spread": lambda line: "{:.1f} to {:.1f}".format(*line["spread"]),
    "of one": lambda line: f"{line['of_first']:.2f}",
    "cores busy": lambda line: f"{line['cores']:.2f}",
    f"CPU ms an image: {', '.join(PARTS)}": _cpu_of_image,
}
_RESTING: Columns = {
    "hosts": lambda line: line["workers"],
    "images/s": lambda line: f"{line['images_s']:,.1f}",
    "of decoders'": lambda line: f"{line['of_decoder']:.1%}",
    "of one's": lambda line: f"{line['of_one']:.1%}",
    "images a job": lambda line: f"{line['images_per_job']:.0f}",
    "between jobs ms": lambda line: f"{line['between_jobs_ms']:.0f}",
    "job's own ms": lambda line: f"{line['own_ms_per_job']:.0f}",
    "queue empty": lambda line: f"{line['queue_empty']:.0%}",
    "transactions/s": lambda line: f"{line['used']['transactions_s']:.0f}",
    "locked": lambda line: f"{line['lock_waits']:.2f}",
    "connections": lambda line: line["connections"],
    "of Redis": lambda line: line["redis_clients"],
}
_SHARES: Columns = {"hosts": lambda line: line["workers"], **_by_part("cpu_share", ".3f")}
_LIMIT: Columns = {
    "hosts": lambda line: line["workers"],
    "jobs/s": lambda line: f"{line['jobs_s']:.1f}",
    "images/s": lambda line: f"{line['images_s']:,.0f}",
    **{f"{part} ms/job": cell for part, cell in _by_part("cpu_ms_per_job", ".1f").items()},
    "transactions/job": lambda line: f"{line['used']['transactions_per_job']:.1f}",
    "commands/job": lambda line: f"{line['used']['redis_commands_per_job']:.1f}",
    "packets/job": lambda line: f"{sum(line['used']['packets_per_job'].values()):.0f}",
    "queue empty": lambda line: f"{line['queue_empty']:.0%}",
    "locked": lambda line: f"{line['lock_waits']:.2f}",
}
_IDLE: Columns = {
    "hosts": lambda line: line["workers"],
    **{f"{part} cores": cell for part, cell in _by_part("cpu_share", ".3f").items()},
    "transactions/s": lambda line: f"{line['used']['transactions_s']:.1f}",
    "commands/s": lambda line: f"{line['used']['redis_commands_s']:.1f}",
}
