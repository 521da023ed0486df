"""The commands `kaolabel label`, `resume` and `status`."""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from db.errors import KaolabelError
from worker import terminal
from worker.terminal import AsJson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress as Bar

    from db.engine import Database
    from db.records import Progress, RunRecord
    from producer.session import Session, Settings

EXIT_INTERRUPTED = 130

# The walk's words for what it skips, as people say them.
_LEFT_OUT = {
    "links": "symbolic links",
    "special": "FIFOs, sockets and devices",
    "unlistable": "folders that cannot be listed",
}


def label(
    archive: Annotated[str, typer.Argument(help="Folder of images; every file below it counts.")],
    *,
    detect_only: Annotated[
        bool, typer.Option("--detect-only", help="Store faces now, classify them later.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Label the faces of an archive: list it, enqueue it, wait for the workers.

    What is known and unchanged is not read again. Ctrl-C stops cleanly; `kaolabel resume` goes on.

    \b
    For example:
      kaolabel label ~/drawings
      kaolabel label ~/drawings --json | jq .labels
    """
    from producer import session as sessions
    from producer.walk import resolve_archive

    root = resolve_archive(archive)
    settings = sessions.read_settings()
    database = sessions.open_ledger(settings)
    if not detect_only:
        sessions.require_model(settings, database)
    with sessions.open_session(settings, database) as session:
        run = sessions.begin(session, root=root, detect_only=detect_only)
        _drive(session, settings, run, as_json=as_json)


def resume(
    run: Annotated[
        int | None, typer.Argument(help="Number of the run; the newest unfinished.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Go on with a run that was stopped.

    \b
    For example:
      kaolabel resume
      kaolabel resume 3
    """
    from producer import session as sessions
    from worker.reading import require_archive

    settings = sessions.read_settings()
    database = sessions.open_ledger(settings)
    unfinished = sessions.unfinished_run(database, run)
    require_archive(unfinished.root)
    if not unfinished.detect_only:
        sessions.require_model(settings, database)
    with sessions.open_session(settings, database) as session:
        _drive(session, settings, sessions.take_up(session, unfinished), as_json=as_json)


def status(*, as_json: AsJson = False) -> None:
    """Show runs that are not finished, the newest run, and the active model.

    \b
    For example:
      kaolabel status
      kaolabel status --json
    """
    from producer import session as sessions
    from producer.status import collect, render

    found = collect(sessions.open_ledger(sessions.read_settings()))
    if as_json:
        terminal.print_json(found)
    else:
        terminal.out().print(render(found))


def _drive(session: Session, settings: Settings, run: RunRecord, *, as_json: bool) -> None:
    from db.store import runs
    from producer import session as sessions
    from producer.drive import Driver
    from producer.summary import render, summarize

    if session.animeface_alone:
        terminal.log().print(
            "No cascade file: searching with animeface alone. `kaolabel detector fetch` gets"
            " lbpcascade_animeface, which finds more and is quicker."
        )
    started = time.monotonic()
    with (
        terminal.progress_bar("images", quiet=as_json) as bar,
        _stopping_cleanly(session.database, run),
    ):
        driver = Driver(
            session.database,
            session.app,
            run,
            version_id=None if run.detect_only else sessions.active_version_id(session.database),
            leave_out=frozenset({os.fsencode(settings.database.home.resolve())}),
            watch=session.watch,
            report=_reporter(bar),
        )
        driver.drive()
    for kind, number in driver.skipped.items():
        terminal.log().print(f"Left out ({_LEFT_OUT[kind]}): {number:,}")
    with session.database.read() as connection:
        run = runs.get(connection, run.id)
    summary = summarize(session.database, run, seconds=time.monotonic() - started)
    if as_json:
        terminal.print_json(summary)
        return
    terminal.out().print(render(summary))
    terminal.log().print(f"Look at it: kaolabel report {run.id} --out report.html")


@contextmanager
def _stopping_cleanly(database: Database, run: RunRecord) -> Iterator[None]:
    """Leave a run that `resume` can go on with, however this block ends."""
    from db.store import runs

    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    except KeyboardInterrupt as interrupt:
        database.commit(lambda connection: runs.stop(connection, run.id, reason="interrupted"))
        terminal.log().print(f"Run {run.id} is stopped; `kaolabel resume {run.id}` goes on.")
        raise typer.Exit(EXIT_INTERRUPTED) from interrupt
    except KaolabelError as error:
        reason = str(error)
        database.commit(lambda connection: runs.stop(connection, run.id, reason=reason))
        raise
    finally:
        signal.signal(signal.SIGTERM, previous)


def _interrupt(_signal: int, _frame: Any) -> None:
    raise KeyboardInterrupt


def _reporter(bar: Bar) -> Callable[[Progress, list[str]], None]:
    """Shows progress in the bar, and each complaint of a worker once."""
    task = bar.add_task("labelling", total=None)
    said: set[str] = set()

    def report(progress: Progress, complaints: list[str]) -> None:
        bar.update(task, completed=progress.done, total=progress.listed or None)
        for complaint in complaints:
            if complaint not in said:
                said.add(complaint)
                terminal.log().print(f"Not going on as it should: {complaint}", soft_wrap=True)

    return report
