"""The one command `kaolabel`: composes the sub-commands that the packages own; nothing else."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

import db.commands
import monitor.commands
import producer.commands
import producer.quarantine.commands
import review.commands
import training.commands
import training.pretraining.commands
import worker.commands
from db.errors import DetectorError, KaolabelError, ModelError, UnavailableError, UsageError
from db.logs.fallback import fall_back
from db.version import __version__

if TYPE_CHECKING:
    from pydantic import ValidationError

# Exit codes, most specific first; 2 is also what a wrong flag ends with, 130 what Ctrl-C does.
EXIT_CODES: tuple[tuple[type[KaolabelError], int], ...] = (
    (UsageError, 2),
    (UnavailableError, 3),
    (DetectorError, 4),
    (ModelError, 5),
    (KaolabelError, 1),
)
# How much is quoted of a setting's value that is no such value, in characters.
_LONGEST_VALUE = 100

_EPILOG = """
\b
Exit codes:
  0    done
  1    failed: a file, a disk, a training, or a mistake of ours
  2    asked for something that cannot be: an argument, a setting, a state
  3    a server or device does not answer
  4    a face detector cannot be used
  5    a model, backbone or artifact cannot be used
  130  interrupted; `kaolabel resume` goes on

\b
Results go to standard output, everything else to standard error. Settings are
environment variables named KAOLABEL_…; docs/reference.md lists them, and
docs/troubleshooting.md explains every message.

\b
For example:
  kaolabel demo
  kaolabel train ~/characters
  kaolabel label ~/drawings
  kaolabel report 1 --out report.html
"""

app = typer.Typer(
    name="kaolabel",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("train")(training.commands.train)
app.command("label")(producer.commands.label)
app.command("resume")(producer.commands.resume)
app.command("relabel")(producer.commands.relabel)
app.command("report")(review.commands.report)
app.command("classify")(worker.commands.classify)
app.command("evaluate")(training.commands.evaluate)
app.command("status")(monitor.commands.status)
app.command("metrics")(monitor.commands.metrics)
app.command("flower")(monitor.commands.flower)
app.command("worker")(worker.commands.worker)
app.command("trainer")(training.commands.trainer)
app.command("beat")(training.commands.beat)
app.command("pretrain")(training.pretraining.commands.pretrain)
app.command("demo")(training.commands.demo)
worker.commands.models_app.command("diff")(review.commands.diff_models)
app.add_typer(worker.commands.models_app, name="models")
app.add_typer(review.commands.annotate_app, name="annotate")
app.add_typer(producer.quarantine.commands.app, name="quarantine")
app.add_typer(worker.commands.detector_app, name="detector")
app.add_typer(db.commands.app, name="db")


def _print_version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(f"kaolabel {__version__}")
        raise typer.Exit


@app.callback(epilog=_EPILOG)
def kaolabel(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Label the faces in large image archives.

    Give it a folder of labelled examples and a folder of drawings: it finds every face, names those
    it knows, tells which it does not know, and keeps all of it in a database.
    """


def main() -> None:
    """Run the command line; every error is one line and a code, never a traceback."""
    _print_any_name()
    fall_back()
    try:
        sys.exit(app(prog_name="kaolabel", standalone_mode=False))
    except typer.TyperException as error:
        _refuse(error)
    except KeyboardInterrupt:
        _fail("interrupted", 130)
    except Exception as error:  # noqa: BLE001  # people get a line even for our own mistakes
        _fail(*_verdict(error))


def _verdict(error: Exception) -> tuple[str, int]:
    """What to say of an error, and the exit code."""
    if isinstance(error, KaolabelError):
        return str(error), next(code for kind, code in EXIT_CODES if isinstance(error, kind))
    if isinstance(error, OSError):
        return f"{error}; check that path, its permissions and the disk", 1
    return _verdict_of_libraries(error)


def _verdict_of_libraries(error: Exception) -> tuple[str, int]:
    # No page of help needs them, and they would take most of its time.
    from pydantic import ValidationError
    from sqlalchemy.exc import DBAPIError

    from db.outage import reason, remedy

    if isinstance(error, ValidationError):
        return _setting(error), 2
    if isinstance(error, DBAPIError):
        what = remedy(error)
        return f"the database: {reason(error)}" + (f"; {what}" if what else ""), 3
    return f"a mistake of ours, {type(error).__name__}: {error}; KAOLABEL_DEBUG=1 shows where", 1


def _print_any_name() -> None:
    """Let names that are not UTF-8 be printed; JSON has the same escapes for them."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _refuse(error: typer.TyperException) -> None:
    message = error.format_message()
    if message.startswith("Usage:"):
        # A group without a command shows its help, which is no single line.
        sys.stderr.write(f"{message}\n")
        sys.exit(error.exit_code)
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "kaolabel"
    _fail(f"{message.rstrip('.')}; try `{command} --help`", error.exit_code)


def _setting(error: ValidationError) -> str:
    first = error.errors()[0]
    name = "_".join(str(part) for part in first["loc"]).upper()
    # A URL may hold a password, and what has no name holds every setting.
    quoted = bool(name) and not name.endswith(("URL", "PASSWORD"))
    shown = f" is set to {repr(first['input'])[:_LONGEST_VALUE]}" if quoted else ""
    return f"KAOLABEL_{name}{shown}: {first['msg']}"


def _fail(message: str, code: int) -> None:
    if os.environ.get("KAOLABEL_DEBUG"):
        raise  # noqa: PLE0704  # called from the except clauses above
    sys.stderr.write(f"kaolabel: {' '.join(message.split())}\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
