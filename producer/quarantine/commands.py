"""The commands `kaolabel quarantine …`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from db.errors import UsageError
from worker import completion, terminal
from worker.terminal import AsJson

if TYPE_CHECKING:
    from db.engine import Database
    from producer.quarantine.selection import Wanted
    from producer.session import Settings

app = typer.Typer(
    help="Look at files that were refused, and try them again.",
    no_args_is_help=True,
)

Reasons = Annotated[
    list[str] | None,
    typer.Option(
        "--reason",
        metavar="REASON",
        help="Only these, such as decoder_crashed; may be given several times.",
        autocompletion=completion.refusal_reasons,
    ),
]
OneArchive = Annotated[
    str | None, typer.Option("--archive", metavar="DIR", help="Only files of this archive.")
]
Unreadable = Annotated[
    bool, typer.Option("--unreadable", help="Files that cannot be read or decoded, instead.")
]


@app.command("list")
def list_refused(
    *,
    reason: Reasons = None,
    archive: OneArchive = None,
    unreadable: Unreadable = False,
    as_json: AsJson = False,
) -> None:
    """List the images in quarantine, or what is unreadable.

    Shows how many there are by reason, then each with what is known of it. In quarantine is what
    crashed a decoder, hung it, took all its memory, or killed its worker. An unreadable file could
    not be opened, or its bytes are no image that can be decoded. Changes nothing.

    Settings: KAOLABEL_HOME, KAOLABEL_DATABASE_URL.

    \b
    For example:
      kaolabel quarantine list
      kaolabel quarantine list --reason decoder_timeout
      kaolabel quarantine list --unreadable --json | jq .reasons

    See also: `kaolabel quarantine retry`; docs/troubleshooting.md explains the reasons.
    """
    from db import schema
    from db.records import Outcome
    from db.settings import DatabaseSettings
    from producer.quarantine import selection
    from producer.quarantine.summary import listing, render_listing

    database = schema.connect(DatabaseSettings())
    wanted = selection.Wanted(
        Outcome.UNREADABLE if unreadable else Outcome.QUARANTINED,
        reasons=tuple(reason or ()),
        archive_id=selection.archive_of(database, run=None, folder=archive),
    )
    found = listing(wanted.outcome, selection.find(database, wanted))
    terminal.present(found, lambda: render_listing(found), as_json=as_json, soft_wrap=True)


@app.command()
def retry(
    run: Annotated[
        int | None,
        typer.Argument(
            help="Number of a run: only files of its archive.",
            autocompletion=completion.run_numbers,
        ),
    ] = None,
    *,
    reason: Reasons = None,
    archive: OneArchive = None,
    unreadable: Unreadable = False,
    everything: Annotated[
        bool,
        typer.Option("--all", help="With --unreadable: also what today's decoder has refused."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Try refused images again, and tell what became of them.

    Tries what is in quarantine, in all archives unless one is named. They are labelled as
    `kaolabel label` does it, detect-only where the last run was.
    With --unreadable, files are tried whose bytes another OpenCV or Pillow than the one installed
    here has refused; files that could not be opened get a new try by every `kaolabel label`
    anyway. Ctrl-C stops cleanly, with code 130; `kaolabel resume` goes on with the archive at work,
    and archives that had no turn stay in quarantine.

    Settings: as `kaolabel label`, of which KAOLABEL_DECODER_SECONDS, KAOLABEL_DECODER_MEMORY and
    KAOLABEL_MAX_PIXELS can give an image more than it had.

    \b
    For example:
      kaolabel quarantine retry
      kaolabel quarantine retry --archive ~/drawings
      kaolabel quarantine retry --unreadable   # after an upgrade of OpenCV
      KAOLABEL_DECODER_SECONDS=120 kaolabel quarantine retry \\
          --reason decoder_timeout
      KAOLABEL_MAX_PIXELS=200000000 kaolabel quarantine retry --unreadable --all \\
          --reason too_many_pixels

    See also: `kaolabel quarantine list`, `kaolabel label`.
    """
    from db.records import Outcome
    from producer import session as sessions
    from producer.quarantine import selection
    from worker.vision.libraries import decoder

    if everything and not unreadable:
        raise UsageError("--all belongs to --unreadable: from quarantine all get another try")
    settings = sessions.read_settings()
    database = sessions.open_ledger(settings)
    wanted = selection.Wanted(
        Outcome.UNREADABLE if unreadable else Outcome.QUARANTINED,
        reasons=tuple(reason or ()),
        archive_id=selection.archive_of(database, run=run, folder=archive),
        judged_by_other_than=decoder() if unreadable and not everything else None,
    )
    _retry(settings, database, wanted, as_json=as_json)


def _retry(settings: Settings, database: Database, wanted: Wanted, *, as_json: bool) -> None:
    from producer import labelling
    from producer import session as sessions
    from producer.quarantine import retry as retrying
    from producer.quarantine import selection
    from producer.quarantine.summary import render, summarize
    from worker.models.registry import require_active

    started = time.monotonic()
    images = selection.find(database, wanted)
    some = retrying.shares(database, images)
    runs: list[dict[str, Any]] = []
    if some:
        detect_only = all(share.detect_only for share in some)
        version = None if detect_only else require_active(database)
        archives = [share.root for share in some]
        with sessions.open_session(
            settings, database, archives=archives, version=version
        ) as session:
            labelling.announce(session)
            runs = retrying.retry(session, settings, some, outcome=wanted.outcome, quiet=as_json)
    elif wanted.judged_by_other_than is not None:
        terminal.log().print(
            f"No unreadable file was judged by another decoder than {wanted.judged_by_other_than},"
            " which is installed here: --all tries every one",
            soft_wrap=True,
        )
    seconds = time.monotonic() - started
    summary = summarize(database, wanted.outcome, images, runs=runs, seconds=seconds)
    terminal.present(summary, lambda: render(summary), as_json=as_json)
