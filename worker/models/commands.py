"""The commands `kaolabel models …`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from db.errors import ModelError, UsageError
from worker import completion, terminal
from worker.terminal import AsJson

if TYPE_CHECKING:
    from db.engine import Database
    from db.records import VersionRecord

Version = Annotated[
    str,
    typer.Argument(
        help="Number, or first digits of the artifact's hash.", autocompletion=completion.versions
    ),
]
Why = Annotated[str | None, typer.Option(help="The reason, for the log.")]

models_app = typer.Typer()


@models_app.callback(invoke_without_command=True)
def list_models(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the model versions, and look at or change which is live.

    Without a command, lists all versions, the live one marked, with their quality. Versions are
    never changed or removed.

    Settings, of all its commands: KAOLABEL_HOME, KAOLABEL_DATABASE_URL.

    \b
    For example:
      kaolabel models
      kaolabel models --json | jq '.models[] | select(.active)'
      kaolabel models rollback

    See also: `kaolabel train`, `kaolabel relabel`, `kaolabel status`.
    """
    from worker.models.listing import collect, render

    if context.invoked_subcommand is not None:
        if as_json:
            raise UsageError(f"write `kaolabel models {context.invoked_subcommand} … --json`")
        return
    found = collect(_ledger()[0])
    terminal.present({"models": found}, lambda: render(found), as_json=as_json)


@models_app.command()
def show(
    version: Version,
    *,
    confusion: Annotated[
        Path | None, typer.Option(help="Draw what is taken for what into this SVG file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell everything of a version.

    Its labels, its quality on the faces that were held out, the settings it was trained with, and
    when it was live.

    Settings: KAOLABEL_HOME, KAOLABEL_DATABASE_URL.

    \b
    For example:
      kaolabel models show 3
      kaolabel models show 3 --confusion confusion.svg
      kaolabel models show 5e0c1f --json | jq .holdout.top1

    See also: `kaolabel models diff`, `kaolabel evaluate`.
    """
    from worker.models.details import collect, render
    from worker.models.registry import find

    database, _ = _ledger()
    found = collect(database, find(database, version))
    if confusion is not None:
        _draw(found, confusion)
    terminal.present(found, lambda: render(found), as_json=as_json, soft_wrap=True)


@models_app.command()
def activate(version: Version, *, why: Why = None, as_json: AsJson = False) -> None:
    """Make a version the live one, if it proves itself here.

    It is loaded and must name the faces in its artifact as it did where it was trained. Workers
    take it up between two jobs, and prove it for themselves: where that fails, the old one goes on
    and `kaolabel status` says why. Labels of known faces change with `kaolabel relabel`.

    Settings: KAOLABEL_HOME, KAOLABEL_DATABASE_URL, KERAS_BACKEND.

    \b
    For example:
      kaolabel models activate 3
      kaolabel models activate 3 --why "knows the new season"

    See also: `kaolabel models rollback`, `kaolabel models diff`, `kaolabel relabel`.
    """
    from worker.models import registry

    database, home = _ledger()
    chosen = registry.find(database, version)
    registry.check(database, chosen.id, home=home)
    registry.activate(database, chosen.id, why=why or "activated by hand")
    _announce(chosen, as_json=as_json)


@models_app.command()
def rollback(*, why: Why = None, as_json: AsJson = False) -> None:
    """Go back to the version that was live before.

    Twice goes back two steps. The old labels are back at once, as predictions of every version are
    kept.

    Settings: KAOLABEL_HOME, KAOLABEL_DATABASE_URL, KERAS_BACKEND.

    \b
    For example:
      kaolabel models rollback
      kaolabel models rollback --why "calls everybody Aqua"

    See also: `kaolabel models log`, `kaolabel models activate`.
    """
    from worker.models import registry

    database, home = _ledger()
    _require_sound(database, registry.previous(database), home=home)
    version = registry.rollback(database, why=why or "rolled back by hand")
    _announce(version, as_json=as_json)


@models_app.command()
def threshold(
    version: Version,
    value: Annotated[float, typer.Argument(help="A confidence below it means unknown; 0 to 1.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Publish a copy of a version with another threshold.

    Faces below it are unknown. The copy has a number of its own and is not live.

    Settings: KAOLABEL_HOME, KAOLABEL_DATABASE_URL.

    \b
    For example:
      kaolabel models threshold 3 0.6
      kaolabel models threshold 3 0.6 --json | jq .version

    See also: `kaolabel models diff`, `kaolabel models activate`.
    """
    from worker.models.registry import find
    from worker.models.threshold import publish_with

    database, home = _ledger()
    copy = publish_with(database, find(database, version), value, home=home)
    result = {"version": copy.id, "sha256": copy.sha256, "parent": copy.parent_id}
    line = f"Version {copy.id} has the threshold {value:g}; `kaolabel models activate {copy.id}`"
    terminal.present(result, lambda: f"{line} makes it live.", as_json=as_json, soft_wrap=True)


@models_app.command()
def log(*, as_json: AsJson = False) -> None:
    """Show what was live, when and why, the newest first.

    Settings: KAOLABEL_HOME, KAOLABEL_DATABASE_URL.

    \b
    For example:
      kaolabel models log
      kaolabel models log --json | jq '.activations[-1]'

    See also: `kaolabel models rollback`.
    """
    from worker.models.history import collect, render

    found = collect(_ledger()[0])
    terminal.present({"activations": found}, lambda: render(found), as_json=as_json)


def _require_sound(database: Database, version: VersionRecord, *, home: Path) -> None:
    from worker.models import registry

    try:
        registry.check(database, version.id, home=home)
    except ModelError as error:
        raise ModelError(
            f"version {version.id} was live before but is of no use now: {error}; or choose"
            " another version with `kaolabel models activate`"
        ) from error


def _draw(found: dict[str, Any], path: Path) -> None:
    from worker.models.confusion import Confusion

    confusion = Confusion.of(found["holdout"])
    if confusion is None:
        raise UsageError(
            f"version {found['version']} has no hold-out that could be drawn; train again"
        )
    path.write_text(confusion.svg(), encoding="utf-8")
    terminal.log().print(f"Drawn: {path}", soft_wrap=True)


def _announce(version: VersionRecord, *, as_json: bool) -> None:
    result = {"version": version.id, "sha256": version.sha256}
    line = f"Version {version.id} is live; workers take it up between two jobs."
    terminal.present(result, lambda: line, as_json=as_json, soft_wrap=True)


def _ledger() -> tuple[Database, Path]:
    """The database, and the home folder that holds the artifacts."""
    from db import schema
    from db.settings import DatabaseSettings

    settings = DatabaseSettings()
    return schema.connect(settings), settings.home
