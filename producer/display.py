"""What the commands of a run show while it goes on, and how they end it early."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from db.errors import KaolabelError, UnavailableError
from worker import terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress as Bar

    from db.engine import Database
    from db.records import Progress, RelabelRecord, RunRecord


# Seconds for which the end of a command waits for a database that does not answer.
_STOP_PATIENCE = 3.0


@contextmanager
def stopping_cleanly(database: Database, run: RunRecord | RelabelRecord) -> Iterator[None]:
    """Leave a run that `resume` can go on with, however this block ends.

    Raises:
        Exit: after an interrupt, with code 130.
    """
    with terminal.interrupted_by_sigterm():
        try:
            yield
        except KeyboardInterrupt as interrupt:
            noted = _stop(database, run, "interrupted")
            state = "is stopped" if noted else "is left as it is, as the database does not answer"
            terminal.log().print(f"Run {run.id} {state}; `kaolabel resume {run.id}` goes on.")
            raise typer.Exit(terminal.EXIT_INTERRUPTED) from interrupt
        except KaolabelError as error:
            _stop(database, run, str(error))
            raise


def _stop(database: Database, run: RunRecord | RelabelRecord, reason: str) -> bool:
    """Note in the ledger that a run is stopped; False where it cannot be noted.

    Nothing depends on it, as the run of a process that is gone may be taken up as well.
    """
    from db.store import producers

    hasty = database.with_patience(_STOP_PATIENCE)
    try:
        hasty.commit(lambda connection: producers.abandon(connection, run.id, reason=reason))
    except UnavailableError:
        return False
    return True


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
