"""One run as a command shows it: driven under a progress bar, stopped cleanly, summed up."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from db.store import runs
from producer import session as sessions
from producer.display import reporter, stopping_cleanly
from producer.drive import Driver
from producer.summary import summarize
from worker import terminal

if TYPE_CHECKING:
    from db.records import RunRecord
    from producer.session import Session, Settings

# The walk's words for what it skips, as people say them.
_LEFT_OUT = {
    "links": "symbolic links",
    "special": "FIFOs, sockets and devices",
    "unlistable": "folders that cannot be listed",
}


def announce(session: Session) -> None:
    """Say it where the search could be better."""
    if session.animeface_alone:
        terminal.log().print(
            "No cascade file: searching with animeface alone. `kaolabel detector fetch` gets"
            " lbpcascade_animeface, which finds more and is quicker."
        )


def drive(session: Session, settings: Settings, run: RunRecord, *, quiet: bool) -> dict[str, Any]:
    """Work on an active run until it is finished; its summary.

    Args:
        session: with detectors and workers.
        settings: name the home, which is no part of any archive.
        run: an active run.
        quiet: whether there is no progress bar.

    Raises:
        Exit: after an interrupt, with code 130; the run can be resumed.
        ArchiveGoneError: when the archive's folder is gone.
    """
    started = time.monotonic()
    with (
        terminal.progress_bar("images", quiet=quiet) as bar,
        stopping_cleanly(session.database, run),
    ):
        driver = Driver(
            session.database,
            session.app,
            run,
            version_id=None if run.detect_only else sessions.active_version_id(session.database),
            leave_out=frozenset({os.fsencode(settings.database.home.resolve())}),
            watch=session.watch,
            report=reporter(bar, doing="labelling"),
        )
        driver.drive()
    for kind, number in driver.skipped.items():
        terminal.log().print(f"Left out ({_LEFT_OUT[kind]}): {number:,}")
    run = session.database.fetch(lambda connection: runs.get(connection, run.id))
    return summarize(session.database, run, seconds=time.monotonic() - started)
