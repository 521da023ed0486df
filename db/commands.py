"""The commands `kaolabel db upgrade`, `db check` and `db current`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from db.schema import Standing

# As `worker.terminal` has it, which is one floor up.
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]

app = typer.Typer(help="Look after the database: is it up to date?", no_args_is_help=True)


@app.command()
def upgrade(*, as_json: AsJson = False) -> None:
    """Bring the database up to this kaolabel.

    Does nothing where it is there already. Keep a copy of the database. Workers of the revisions
    that the last line names go on meanwhile, and may be started again. There is no way back but the
    copy.

    Settings: KAOLABEL_HOME, KAOLABEL_DATABASE_URL.

    \b
    For example:
      kaolabel db upgrade
      kaolabel db upgrade --json | jq .oldest

    See also: `kaolabel db check`; docs/upgrade.md has the order of steps.
    """
    from db import schema
    from db.engine import open_database
    from db.settings import DatabaseSettings

    database = open_database(DatabaseSettings())
    before = schema.revision(database)
    schema.upgrade(database)
    found = schema.standing(database)
    if as_json:
        _print_json(database.display, found, before=before)
        return
    if before == found.revision:
        typer.echo(f"{database.display} is at revision {before}: nothing to do")
    else:
        came = before or "no tables"
        typer.echo(f"{database.display} went from {came} to revision {found.revision}")
    typer.echo(f"workers of revision {found.oldest} or newer may go on")


@app.command()
def check(*, as_json: AsJson = False) -> None:
    """Tell whether this kaolabel may work with the database.

    Ends with 0 if it may, and with 2 and the reason if it may not; with --json the object is
    printed first. Changes nothing.

    Settings: KAOLABEL_HOME, KAOLABEL_DATABASE_URL.

    \b
    For example:
      kaolabel db check
      kaolabel db check --json | jq .fits

    See also: `kaolabel db upgrade`.
    """
    from db import schema
    from db.engine import open_database
    from db.errors import UsageError
    from db.settings import DatabaseSettings

    database = open_database(DatabaseSettings())
    found = schema.standing(database)
    if as_json:
        _print_json(database.display, found)
    if not found.fits:
        raise UsageError(found.complaint)
    if not as_json:
        typer.echo(
            f"{database.display} is at revision {found.revision}, which fits this kaolabel's"
            f" {found.needed}; workers of revision {found.oldest} or newer may go on"
        )


@app.command()
def current() -> None:
    """Print the database's revision, and the newest known here.

    Changes nothing.

    Settings: KAOLABEL_HOME, KAOLABEL_DATABASE_URL.

    \b
    For example:
      kaolabel db current

    See also: `kaolabel db check`, `kaolabel db upgrade`.
    """
    from db import schema
    from db.engine import open_database
    from db.settings import DatabaseSettings

    database = open_database(DatabaseSettings())
    typer.echo(f"{schema.revision(database) or 'empty'} (needed: {schema.head()})")


def _print_json(display: str, found: Standing, **more: str | None) -> None:
    values = {
        "database": display,
        **more,
        "revision": found.revision,
        "needed": found.needed,
        "oldest": found.oldest,
        "fits": found.fits,
    }
    typer.echo(json.dumps(values, ensure_ascii=False))
