"""The table of all faults that tests have put a run through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

COLUMNS = ("test", "faults", "files", "lost", "doubled", "recovery s")


def render(lines: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """The lines as a table for a terminal; (test, fields) each."""
    table = Table(*COLUMNS)
    for cells in _cells(lines):
        table.add_row(*map(Text, cells))
    console = Console(width=120)
    with console.capture() as capture:
        console.print(table)
        for line in _kinds(lines):
            console.print(Text(line))
    return capture.get()


def write_markdown(lines: Sequence[tuple[str, dict[str, Any]]], file: Path) -> None:
    """The lines as a table of Markdown."""
    rows = [COLUMNS, ("---",) + ("--:",) * (len(COLUMNS) - 1), *_cells(lines)]
    text = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    file.write_text("\n".join([text, *(f"- {line}" for line in _kinds(lines)), ""]))


def _kinds(lines: Sequence[tuple[str, dict[str, Any]]]) -> list[str]:
    """One line a test of what was disturbed how often, for the tests that say so."""
    return [
        f"{test}: {', '.join(f'{count:,} {kind}' for kind, count in sorted(kinds.items()))}"
        for test, fields in sorted(lines, key=lambda line: line[0])
        if (kinds := fields.get("kinds"))
    ]


def _cells(lines: Sequence[tuple[str, dict[str, Any]]]) -> list[tuple[str, ...]]:
    names = ("faults", "files", "lost", "doubled", "recovery")
    return [
        (test, *(_cell(fields.get(name)) for name in names))
        for test, fields in sorted(lines, key=lambda line: line[0])
    ]


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:,}"
