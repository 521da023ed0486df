"""The commands `kaolabel report`, `kaolabel annotate` and `kaolabel models diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from worker import completion
from worker.terminal import AsJson

annotate_app = typer.Typer(
    help="Take in and give out people's words on faces.", no_args_is_help=True
)

# Bad rows that are named; the others are counted.
_LISTED = 20


def report(
    run: Annotated[
        int,
        typer.Argument(
            help="Number of the run, as `kaolabel status` shows it.",
            autocompletion=completion.run_numbers,
        ),
    ],
    *,
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("report.html"),
) -> None:
    """Write one page to look at what a run found.

    The page holds everything, pictures too, and loads nothing: faces by label, unknown ones, images
    without a face, and files that were refused. A file of that name is replaced once the new one is
    complete. Works while the run goes on.

    Settings: KAOLABEL_HOME, KAOLABEL_DATABASE_URL.

    \b
    For example:
      kaolabel report 1
      kaolabel report 1 --out report.html

    See also: `kaolabel status`, `kaolabel annotate`, `kaolabel quarantine list`.
    """
    from db import schema
    from db.settings import DatabaseSettings
    from review.report import write_report
    from worker import terminal

    database = schema.connect(DatabaseSettings())
    write_report(database, run, out)
    terminal.out().print(f"{out} is written; open it in a browser.", soft_wrap=True)


def diff_models(
    old: Annotated[
        str,
        typer.Argument(
            help="Version: a number, a hash's first digits, `active`.",
            autocompletion=completion.versions,
        ),
    ],
    new: Annotated[
        str,
        typer.Argument(help="The version to compare it with.", autocompletion=completion.versions),
    ],
    *,
    html: Annotated[Path | None, typer.Option(help="Page of sample faces to write.")] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Look at about so many faces, evenly spread.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show which faces another version would label otherwise.

    Every stored face is classified by both versions: from its embedding, or from its crop where
    the version's backbone has not seen it yet, which takes longer. Changes nothing.

    Settings: KAOLABEL_HOME, KAOLABEL_DATABASE_URL.

    \b
    For example:
      kaolabel models diff active 4
      kaolabel models diff 3 4 --html diff.html
      kaolabel models diff 3 4 --sample 20000 --json | jq .changed_share

    See also: `kaolabel models activate`, `kaolabel relabel`.
    """
    from db import schema
    from db.settings import DatabaseSettings
    from review.diff import render, write_diff
    from worker import terminal
    from worker.models.comparison import compare_versions

    settings = DatabaseSettings()
    database = schema.connect(settings)
    with terminal.progress_bar("faces", quiet=as_json) as bar:
        task = bar.add_task("faces", total=None)
        diff = compare_versions(
            database,
            old,
            new,
            home=settings.home,
            sample=sample,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    terminal.present(diff.to_json(), lambda: render(diff), as_json=as_json)
    if html is not None:
        write_diff(database, diff, html)
        terminal.log().print(f"{html} is written; open it in a browser.", soft_wrap=True)


@annotate_app.command("import")
def import_annotations(
    file: Annotated[str, typer.Argument(help="CSV file; - is standard input.")],
    *,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave bad rows out, instead of taking none at all.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take in what people say of faces, from a CSV file.

    It stands above every model, and models learn from it with `kaolabel train --from-annotations`.

    The first line names the columns. `face` is a number as `annotate export` gives it; otherwise
    `image` is a path, absolute or below the archive, and `box` (or x0, y0, x1, y1) is about where
    the face is, needed where the image has several. `kind` is `is` unless it says `is_not` or
    `not_a_face`; `label` is the name. `author` may be there. Fields are separated by commas,
    semicolons or tabs, in UTF-8.

    A newer word takes back what it contradicts. Nothing is written if any row is bad, and the
    command ends with 2; with --skip-bad the others are taken, and it ends with 0.

    Settings: KAOLABEL_HOME, KAOLABEL_DATABASE_URL.

    \b
    For example:
      kaolabel annotate import names.csv
      kaolabel annotate export --unannotated --unknown faces.csv  # edit it, then:
      kaolabel annotate import faces.csv --skip-bad

    \b
    A file may look like this:
      image,box,kind,label
      aqua/1.png,,is,Aqua
      party.png,120 40 260 190,is_not,Aqua
      party.png,300 52 410 170,not_a_face,

    See also: `kaolabel annotate export`, `kaolabel train`.
    """
    from db import schema
    from db.errors import UsageError
    from db.settings import DatabaseSettings
    from review.annotations import describe, import_sheet, refusals, render
    from worker import terminal

    database = schema.connect(DatabaseSettings())
    with terminal.progress_bar("rows", quiet=as_json) as bar:
        task = bar.add_task("reading", total=None)
        imported = import_sheet(
            database, file, skip_bad=skip_bad, stage=lambda name: bar.update(task, description=name)
        )
    for line in refusals(imported, most=_LISTED):
        terminal.log().print(line, soft_wrap=True)
    if imported.said is None:
        raise UsageError(
            f"{len(imported.refused):,} of {imported.rows:,} rows cannot be taken, and nothing was "
            "written; mend them, or take the others with --skip-bad"
        )
    described = describe(imported, most=_LISTED)
    terminal.present(described, lambda: render(imported), as_json=as_json, soft_wrap=True)


@annotate_app.command("export")
def export_annotations(
    file: Annotated[str, typer.Argument(help="File to write; - is standard output.")] = "-",
    *,
    unannotated: Annotated[
        bool,
        typer.Option(
            "--unannotated", help="Faces that nobody has judged, with what the model says of them."
        ),
    ] = False,
    label: Annotated[
        str | None,
        typer.Option(
            help="With --unannotated: only faces that have this label.",
            autocompletion=completion.label_names,
        ),
    ] = None,
    unknown: Annotated[
        bool, typer.Option("--unknown", help="With --unannotated: only unknown faces.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write what people said of faces as a CSV file.

    `kaolabel annotate import` takes it back as it was. A file of that name is replaced. With
    --unannotated it is a file to edit: correct the label, say `is_not` or `not_a_face`, or
    empty kind and label to say nothing; take out the rows that you have not looked at.

    Settings: KAOLABEL_HOME, KAOLABEL_DATABASE_URL.

    \b
    For example:
      kaolabel annotate export words.csv
      kaolabel annotate export --unannotated --label Aqua aqua.csv
      kaolabel annotate export --json | jq '.annotations[].label'

    See also: `kaolabel annotate import`, `kaolabel report`.
    """
    from db import schema
    from db.settings import DatabaseSettings
    from review.annotations import choose, write_sheet
    from worker import terminal

    rows = choose(unannotated=unannotated, label=label, unknown=unknown)
    database = schema.connect(DatabaseSettings())
    with database.read() as connection, terminal.progress_bar("rows", quiet=as_json) as bar:
        shown = bar.track(rows(connection), description="writing")
        if as_json and file == "-":
            terminal.print_json({"annotations": list(shown)})
            return
        number = write_sheet(shown, file, hints=unannotated)
    if as_json:
        terminal.print_json({"file": file, "rows": number})
    elif file != "-":
        terminal.out().print(f"{file} is written: {number:,} rows.", soft_wrap=True)
