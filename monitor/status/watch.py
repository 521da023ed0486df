"""`kaolabel status --watch`: a full screen, or something to read every some seconds."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.live import Live
from rich.segment import Segment
from rich.text import Text

from monitor.status.keys import keyboard
from monitor.status.page import render
from monitor.status.words import duration
from worker import terminal
from worker.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from monitor.status.looker import Looker, Seen

# Seconds after which a screen follows a new size, a key or a new look.
_TICK = 0.25

_QUIT = "q"


class Screen:
    """One screen: the status as far as it fits, and a line at the foot.

    Args:
        seen: what there is to show.
    """

    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height = (options.height or console.height) - 1
        body = self._body(options.max_width, height)
        lines = console.render_lines(body, options.update(height=None))[:height]
        for line in console.render_lines(_foot(self._seen), options.update(height=None)):
            lines = [*lines, *[[]] * (height - len(lines)), line][: height + 1]
        for line in lines:
            yield from line
            yield Segment.line()

    def _body(self, width: int, height: int) -> RenderableType:
        if self._seen.found is None:
            return Text("looking …")
        return render(self._seen.found, size=(width, height))


def show(looker: Looker) -> None:
    """Fill the terminal with the status until somebody presses q or Ctrl-C."""
    console = terminal.out()
    with (
        _until_interrupted(),
        keyboard() as pressed,
        Live(console=console, screen=True, auto_refresh=False) as live,
    ):
        shown: object = None
        while True:
            seen = looker.poll()
            state = (seen.looks, seen.error, int(seen.age) if seen.error else 0, console.size)
            if state != shown:
                live.update(Screen(seen), refresh=True)
                shown = state
            if _QUIT in pressed(_TICK).lower():
                return


def tell(looker: Looker, *, every: float, as_json: bool) -> None:
    """Print every look until somebody presses Ctrl-C: a block for people, or a line of JSON.

    Args:
        looker: looks.
        every: seconds after which a look that does not end is told of.
        as_json: whether a program reads.
    """
    write = _print_json if as_json else _print_block
    with _until_interrupted():
        looks, told_at = 0, time.monotonic()
        while True:
            seen = looker.poll()
            is_late = seen.error is not None and time.monotonic() > told_at + every
            if seen.looks > looks or is_late:
                write(seen)
                looks, told_at = seen.looks, time.monotonic()
            time.sleep(min(_TICK, every / 4))


def fills_a_screen() -> bool:
    """Whether standard output is a terminal on which a screen can be drawn."""
    console = terminal.out()
    return console.is_terminal and not console.is_dumb_terminal


@contextmanager
def _until_interrupted() -> Iterator[None]:
    """End the block quietly at Ctrl-C, SIGTERM, or when nobody reads any more."""
    with terminal.interrupted_by_sigterm():
        try:
            yield
        except KeyboardInterrupt:
            return
        except BrokenPipeError:
            # Python would complain when it flushes standard output at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_json(seen: Seen) -> None:
    found: dict[str, Any] = seen.found or {}
    terminal.print_json(found if seen.error is None else {"error": seen.error})


def _print_block(seen: Seen) -> None:
    console = terminal.out()
    # Written by hand, as rich ends the program with an error when nobody reads any more.
    with console.capture() as block:
        if seen.error is not None or seen.found is None:
            console.print(f"error     {visible(seen.error or '')}", soft_wrap=True)
        else:
            console.print(f"as of     {_clock(seen.found['at'])}")
            console.print(render(seen.found))
            console.print()
    sys.stdout.write(block.get())
    sys.stdout.flush()


def _foot(seen: Seen) -> Text:
    """One line on how things are with looking itself."""
    if seen.error is None:
        at = "" if seen.found is None else f"as of {_clock(seen.found['at'])}; "
        return Text(f"{at}q quits", style="dim", no_wrap=True, overflow="ellipsis")
    old = "" if seen.found is None else f"{duration(seen.age)} old, tried again: "
    return Text(f"{old}{visible(seen.error)}", style="bold red", no_wrap=True, overflow="ellipsis")


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().isoformat(sep=" ", timespec="seconds")
