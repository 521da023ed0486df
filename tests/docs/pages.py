"""The pages of help, as the program prints them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_COLUMNS = 80


@dataclass(frozen=True)
class Page:
    """One page of help.

    Args:
        command: such as `models show`; empty for the first page.
        text: what `--help` prints.
        summary: the first sentence.
        options: the help of each argument and option, by its names.
        is_group: whether it leads to other commands.
    """

    command: str
    text: str
    summary: str
    options: Mapping[str, str]
    is_group: bool

    @property
    def name(self) -> str:
        """The whole command."""
        return f"kaolabel {self.command}".strip()

    @property
    def commands(self) -> list[str]:
        """The lines that list its commands."""
        _, _, rest = self.text.partition("\nCommands:\n")
        return rest.partition("\n\n")[0].splitlines()


def name(page: Page) -> str:
    """The whole command, as pytest calls its page."""
    return page.name


def every(app: typer.Typer) -> Iterator[Page]:
    """All pages of a program, in the order in which they are listed."""
    return _pages(typer.main.get_command(app), None, "kaolabel")


def _pages(command: Any, parent: Any, name: str) -> Iterator[Page]:
    context = command.context_class(
        command, info_name=name, parent=parent, terminal_width=_COLUMNS, max_content_width=_COLUMNS
    )
    path = context.command_path.removeprefix("kaolabel").strip()
    inner = getattr(command, "commands", {})
    summary = command.get_short_help_str(limit=1000)
    rows = (_row(parameter, context) for parameter in command.get_params(context))
    options = dict(row for row in rows if row is not None)
    yield Page(path, command.get_help(context), summary, options, is_group=bool(inner))
    for one in inner:
        yield from _pages(inner[one], context, one)


def _row(parameter: Any, context: Any) -> tuple[str, str] | None:
    found: tuple[str, str] | None = parameter.get_help_record(context)
    return found
