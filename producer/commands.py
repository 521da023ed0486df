"""The commands `kaolabel label`, `relabel` and `resume`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from worker import completion, terminal
from worker.terminal import AsJson

if TYPE_CHECKING:
    from db.engine import Database
    from db.records import RunRecord, VersionRecord
    from producer.session import Session, Settings


def label(
    archive: Annotated[str, typer.Argument(help="Folder of images; every file below it counts.")],
    *,
    detect_only: Annotated[
        bool, typer.Option("--detect-only", help="Store faces, and classify none; needs no model.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List an archive, and label the faces in its images.

    Lists every file below the folder, sends jobs to the workers, and waits until each file has an
    outcome: with faces, without one, unreadable or quarantined. Without KAOLABEL_BROKER_URL it
    starts a Redis and a worker of its own, and ends them. The archive is only read; symbolic links
    are not followed.

    What is known and unchanged is not read again. Files that could not be opened get a new try by
    every run; what killed a decoder waits for `kaolabel quarantine retry`. Ctrl-C and SIGTERM stop
    cleanly, with code 130. Files that are refused are counted, and are no failure.

    Settings: KAOLABEL_HOME, KAOLABEL_DATABASE_URL, KAOLABEL_BROKER_URL and KAOLABEL_CASCADE; of the
    worker that it starts, those of `kaolabel worker`, too.

    \b
    For example:
      kaolabel label ~/drawings
      kaolabel label ~/drawings --json | jq .labels
      kaolabel label ~/drawings --detect-only

    See also: `kaolabel resume`, `kaolabel status`, `kaolabel report`, `kaolabel quarantine`.
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
        typer.Option(
            "--version",
            metavar="VERSION",
            help="Number, or first digits of the hash; by default the active version.",
            autocompletion=completion.versions,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Classify every stored face by a model version; reads no image.

    Works from stored embeddings, else from stored crops, so the archives need not be there. Faces
    that the version has seen are left alone. Predictions of earlier versions stay, and so does
    every annotation. Ctrl-C stops cleanly, with code 130; the same command goes on where it was.

    Settings: KAOLABEL_HOME, KAOLABEL_DATABASE_URL, KAOLABEL_BROKER_URL.

    \b
    For example:
      kaolabel relabel
      kaolabel relabel --version 3
      kaolabel relabel --json | jq .changes

    See also: `kaolabel models diff`, `kaolabel models activate`, `kaolabel resume`.
    """
    from producer import relabel as relabelling
    from producer import session as sessions

    settings = sessions.read_settings()
    database = sessions.open_ledger(settings)
    target = relabelling.target(settings, database, version)
    _relabel(settings, database, target, as_json=as_json)


def resume(
    run: Annotated[
        int | None,
        typer.Argument(
            help="Number of the run; by default the newest that is not finished.",
            autocompletion=completion.unfinished_runs,
        ),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Go on with a run, or a relabelling, that was stopped.

    Takes up where it was cut off, by Ctrl-C, a crash, or a disk that was unmounted; nothing that is
    done is done again. A run goes on only with the detectors that it was begun with.

    Settings: as `kaolabel label`.

    \b
    For example:
      kaolabel resume
      kaolabel resume 3

    See also: `kaolabel status`, which lists the runs; `kaolabel label`, which begins a new one.
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
