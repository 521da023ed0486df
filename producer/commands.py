"""The commands `kaolabel label`, `relabel`, `resume` and `status`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from worker import terminal
from worker.terminal import AsJson

if TYPE_CHECKING:
    from db.engine import Database
    from db.records import RunRecord, VersionRecord
    from producer.session import Session, Settings


def label(
    archive: Annotated[str, typer.Argument(help="Folder of images; every file below it counts.")],
    *,
    detect_only: Annotated[
        bool, typer.Option("--detect-only", help="Store faces now, classify them later.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Label the faces of an archive: list it, enqueue it, wait for the workers.

    What is known and unchanged is not read again. Files that could not be opened get a new try by
    every run; what killed a decoder waits for `kaolabel quarantine retry`. Ctrl-C stops cleanly;
    `kaolabel resume` goes on.

    \b
    For example:
      kaolabel label ~/drawings
      kaolabel label ~/drawings --json | jq .labels
    """
    from producer import session as sessions
    from producer.walk import resolve_archive
    from worker.models.registry import require_active

    root = resolve_archive(archive)
    settings = sessions.read_settings()
    database = sessions.open_ledger(settings)
    version = None if detect_only else require_active(database)
    with sessions.open_session(settings, database, archives=[root], version=version) as session:
        run = sessions.begin(session, root=root, detect_only=detect_only)
        _label(session, settings, run, as_json=as_json)


def relabel(
    *,
    version: Annotated[
        str | None,
        typer.Option("--version", metavar="VERSION", help="Number or hash; the active version."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Bring every stored face up to a model version, from what is stored; no image is read.

    Predictions of earlier versions stay, and so does every annotation. Ctrl-C stops cleanly; the
    same command goes on where it was.

    \b
    For example:
      kaolabel relabel
      kaolabel relabel --version 3
      kaolabel relabel --json | jq .changes
    """
    from producer import relabel as relabelling
    from producer import session as sessions

    settings = sessions.read_settings()
    database = sessions.open_ledger(settings)
    target = relabelling.target(settings, database, version)
    _relabel(settings, database, target, as_json=as_json)


def resume(
    run: Annotated[
        int | None, typer.Argument(help="Number of the run; the newest unfinished.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Go on with a run, or a relabelling, that was stopped.

    \b
    For example:
      kaolabel resume
      kaolabel resume 3
    """
    from db.records import RelabelRecord
    from producer import relabel as relabelling
    from producer import session as sessions
    from worker.models.registry import require_active
    from worker.reading import require_archive

    settings = sessions.read_settings()
    database = sessions.open_ledger(settings)
    unfinished = sessions.unfinished_run(database, run)
    if isinstance(unfinished, RelabelRecord):
        target = relabelling.target(settings, database, str(unfinished.version_id))
        _relabel(settings, database, target, as_json=as_json)
        return
    require_archive(unfinished.root)
    version = None if unfinished.detect_only else require_active(database)
    with sessions.open_session(
        settings, database, archives=[unfinished.root], version=version
    ) as session:
        _label(session, settings, sessions.take_up(session, unfinished), as_json=as_json)


def status(*, as_json: AsJson = False) -> None:
    """Show runs that are not finished, the newest run, and the active model.

    \b
    For example:
      kaolabel status
      kaolabel status --json
    """
    from db import schema
    from db.settings import DatabaseSettings
    from producer.status import collect, render

    found = collect(schema.connect(DatabaseSettings()))
    terminal.present(found, lambda: render(found), as_json=as_json)


def _label(session: Session, settings: Settings, run: RunRecord, *, as_json: bool) -> None:
    from producer import labelling
    from producer.summary import render

    labelling.announce(session)
    summary = labelling.drive(session, settings, run, quiet=as_json)
    terminal.present(summary, lambda: render(summary), as_json=as_json)
    if as_json:
        return
    terminal.log().print(f"Look at it: kaolabel report {run.id} --out report.html")
    if summary["quarantined"]:
        terminal.log().print("What killed a decoder, and why: kaolabel quarantine list")


def _relabel(
    settings: Settings, database: Database, version: VersionRecord, *, as_json: bool
) -> None:
    from producer import relabel as relabelling
    from producer.display import reporter, stopping_cleanly
    from producer.queue import open_queue
    from producer.relabel_summary import render, summarize

    started = time.monotonic()
    with open_queue(settings, database) as queue:
        run = relabelling.begin(queue, version)
        with (
            terminal.progress_bar("faces", quiet=as_json) as bar,
            stopping_cleanly(database, run),
        ):
            run = relabelling.drive(queue, run, report=reporter(bar, doing="relabelling"))
    summary = summarize(database, run, seconds=time.monotonic() - started)
    for complaint in summary["complaints"]:
        terminal.log().print(complaint, soft_wrap=True)
    terminal.present(summary, lambda: render(summary), as_json=as_json)
    if summary["active_version"] not in {None, version.id}:
        terminal.log().print(
            f"The active model is version {summary['active_version']}, not {version.id}:"
            " `kaolabel relabel` brings every face up to it."
        )
