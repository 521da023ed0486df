"""What the commands of a run show while it goes on, and how they end it early."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from db.errors import KaolabelError
from worker import terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress as Bar

    from db.engine import Database
    from db.records import Progress, RelabelRecord, RunRecord


@contextmanager
def stopping_cleanly(database: Database, run: RunRecord | RelabelRecord) -> Iterator[None]:
    """Leave a run that `resume` can go on with, however this block ends.

    Raises:
        Exit: after an interrupt, with code 130.
    """
    from db.store import runs

    with terminal.interrupted_by_sigterm():
        try:
            yield
        except KeyboardInterrupt as interrupt:
            database.commit(lambda connection: runs.stop(connection, run.id, reason="interrupted"))
            terminal.log().print(f"Run {run.id} is stopped; `kaolabel resume {run.id}` goes on.")
            raise typer.Exit(terminal.EXIT_INTERRUPTED) from interrupt
        except KaolabelError as error:
            reason = str(error)
            database.commit(lambda connection: runs.stop(connection, run.id, reason=reason))
            raise


def reporter(bar: Bar, *, doing: str) -> Callable[[Progress, list[str]], None]:
    """Shows progress in the bar, and each complaint of a worker once."""
    task = bar.add_task(doing, total=None)
    said: set[str] = set()

    def report(progress: Progress, complaints: list[str]) -> None:
        bar.update(task, completed=progress.done, total=progress.listed or None)
        for complaint in complaints:
            if complaint not in said:
                said.add(complaint)
                terminal.log().print(f"Not going on as it should: {complaint}", soft_wrap=True)

    return report
