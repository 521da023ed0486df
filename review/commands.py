"""The command `kaolabel report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    run: Annotated[int, typer.Argument(help="Number of the run, as `kaolabel status` shows it.")],
    *,
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("report.html"),
) -> None:
    """Write one self-contained page to look at what a run found.

    \b
    For example:
      kaolabel report 1 --out report.html
    """
    from db import schema
    from db.settings import DatabaseSettings
    from review.report import write_report
    from worker import terminal

    database = schema.connect(DatabaseSettings())
    write_report(database, run, out)
    terminal.out().print(f"{out} is written; open it in a browser.", soft_wrap=True)
