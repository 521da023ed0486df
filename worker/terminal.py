"""What commands print: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

# The flag of every command whose result a program may read.
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]

# What a command that was interrupted ends with, as shells have it: 128 + SIGINT.
EXIT_INTERRUPTED = 130

# Columns of a table that no terminal limits.
_FILE_WIDTH = 160
_LOG_WIDTH = 2000

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rich.console import RenderableType
    from rich.progress import Task


def print_json(result: Mapping[str, Any]) -> None:
    """Print the one object that a program reads."""
    sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def present(
    result: Mapping[str, Any],
    view: Callable[[], RenderableType],
    *,
    as_json: bool,
    soft_wrap: bool = False,
) -> None:
    """Print a result for a program, else a view of it for people.

    Args:
        result: the one object that a program reads.
        view: makes what people read; called only for them.
        as_json: whether a program reads.
        soft_wrap: whether long lines of the view are left whole.
    """
    if as_json:
        print_json(result)
    else:
        out().print(view(), soft_wrap=soft_wrap)


def out() -> Console:
    """Results for people; nothing is cut in a file, and no name is taken for markup."""
    width = None if sys.stdout.isatty() else _FILE_WIDTH
    return Console(highlight=False, markup=False, emoji=False, width=width)


def log() -> Console:
    """Everything that is no result; one line each where nobody looks."""
    width = None if sys.stderr.isatty() else _LOG_WIDTH
    return Console(stderr=True, highlight=False, markup=False, emoji=False, width=width)


class RateColumn(ProgressColumn):
    """Items a second over the last half minute."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        """The rate, or nothing before the first item."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.1f} {self._unit}/s" if speed else "")


@contextmanager
def progress_bar(unit: str, *, quiet: bool = False) -> Iterator[Progress]:
    """A progress bar on standard error, with rate and time left; none where nobody looks."""
    console = log()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(unit),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    hidden = quiet or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        yield bar


@contextmanager
def interrupted_by_sigterm() -> Iterator[None]:
    """Have a supervisor's SIGTERM end the block as Ctrl-C does."""
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
