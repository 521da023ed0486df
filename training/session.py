"""What `kaolabel train` does around a training: here or elsewhere, followed to its end."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from db import schema
from db.settings import DatabaseSettings
from training.launch import training_app
from training.remote import follow, send
from training.report import describe_outcome, describe_record, render_outcome, render_record
from training.run import train_now
from training.settings import TrainingSettings
from worker import terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from training.request import TrainingRequest
    from worker.progress import Progress


def train_here(request: TrainingRequest, *, as_json: bool) -> None:
    """Train in this process and print what came of it.

    Raises:
        KaolabelError: nothing was published, and the active model goes on.
    """
    database = schema.connect(DatabaseSettings())
    with terminal.interrupted_by_sigterm(), progress(quiet=as_json) as show:
        outcome = train_now(
            database,
            request,
            home=DatabaseSettings().home,
            settings=TrainingSettings(),
            listener=show,
        )
    result = describe_outcome(outcome)
    terminal.present(result, lambda: render_outcome(result), as_json=as_json)


def train_elsewhere(request: TrainingRequest, *, detach: bool, as_json: bool) -> None:
    """Send for a training, follow it unless detached, and print what came of it.

    Raises:
        KaolabelError: it failed, or cannot be sent for.
    """
    app = training_app()
    database = schema.connect(DatabaseSettings())
    record = send(database, app, _from_anywhere(request))
    if not detach:
        with progress(quiet=as_json) as show, _leaving_it_going(record.id):
            record = follow(database, record, progress=show, unheard=_say_unheard)
    with database.read() as connection:
        result = describe_record(connection, record)
    terminal.present(result, lambda: render_record(result), as_json=as_json)


def _from_anywhere(request: TrainingRequest) -> TrainingRequest:
    if request.folder is None:
        return request
    return request.model_copy(update={"folder": str(Path(request.folder).absolute())})


def _say_unheard() -> None:
    terminal.log().print("No trainer has taken it yet; is a `kaolabel trainer` running?")


@contextmanager
def _leaving_it_going(training_id: int) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as interrupt:
        terminal.log().print(
            f"Training {training_id} goes on without this command; `kaolabel status` follows it."
        )
        raise typer.Exit(terminal.EXIT_INTERRUPTED) from interrupt


@contextmanager
def progress(*, quiet: bool) -> Iterator[Progress]:
    """A bar that follows (stage, done, total, detail)."""
    with terminal.progress_bar("steps", quiet=quiet) as bar:
        task = bar.add_task("starting", total=None)
        stage_shown = ""

        def show(stage: str, done: int, total: int, detail: str = "") -> None:
            nonlocal stage_shown
            if stage != stage_shown:
                bar.reset(task)
                stage_shown = stage
            description = f"{stage}: {detail}" if detail else stage
            bar.update(task, description=description, completed=done, total=total)

        yield show
