"""The commands `kaolabel db upgrade` and `db current`."""

from __future__ import annotations

import typer

app = typer.Typer(help="Look after the database.", no_args_is_help=True)


@app.command()
def upgrade() -> None:
    """Bring the database up to this kaolabel; does nothing where it is there already.

    Stop workers first, and keep a copy of the database.
    """
    from db import schema
    from db.engine import open_database
    from db.settings import DatabaseSettings

    database = open_database(DatabaseSettings())
    schema.upgrade(database)
    typer.echo(f"{database.display} is at revision {schema.revision(database)}")


@app.command()
def current() -> None:
    """Print the database's revision, and the one that this kaolabel needs."""
    from db import schema
    from db.engine import open_database
    from db.settings import DatabaseSettings

    database = open_database(DatabaseSettings())
    typer.echo(f"{schema.revision(database) or 'empty'} (needed: {schema.head()})")
