"""The commands `kaolabel train`, `evaluate` and `demo`."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from db import schema
from db.settings import DatabaseSettings
from training.settings import TrainingSettings
from worker import terminal
from worker.settings import WorkerSettings
from worker.terminal import AsJson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from worker.sandbox.pool import DecoderPool

Folder = Annotated[str, typer.Argument(help="Folder with a folder of images for each label.")]
Crops = Annotated[
    bool, typer.Option("--crops", help="The images are faces already; search for none in them.")
]


def train(
    folder: Folder,
    *,
    crops: Crops = False,
    backbone: Annotated[
        str | None, typer.Option(help="imagenet, seeded, or a weights file.")
    ] = None,
    taps: Annotated[
        str | None,
        typer.Option(help="Layers to embed with, such as mixed3+mixed5+mixed8; see the README."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train a model on labelled images and make it the active one.

    In a scene with several faces the label is that of the largest one.

    \b
    For example:
      kaolabel train ~/characters
      kaolabel train faces/ --crops --backbone seeded
    """
    from training.report import describe_training, render_training
    from training.trainer import train as train_model
    from worker.models.registry import active, publish
    from worker.vision.embed import parse_taps

    settings, home = TrainingSettings(), DatabaseSettings().home
    chosen = None if taps is None else parse_taps(taps)
    database = schema.connect(DatabaseSettings())
    parent = active(database)
    with decoders(home) as pool, progress(quiet=as_json) as show:
        trained = train_model(
            Path(folder),
            crops=crops,
            backbone=backbone or settings.backbone,
            home=home,
            examine=lambda items: pool.examine(items, whole=crops),
            taps=chosen,
            seed=settings.seed,
            parent=None if parent is None else parent.sha256,
            progress=show,
        )
    version = publish(database, trained.artifact, why=f"trained on {folder}")
    result = describe_training(version.id, trained)
    if as_json:
        terminal.print_json(result)
    else:
        terminal.out().print(render_training(result))


def evaluate(folder: Folder, *, crops: Crops = False, as_json: AsJson = False) -> None:
    """Measure the active model on a labelled folder; writes nothing.

    An image is right if its largest face gets its folder's label, the threshold aside.

    \b
    For example:
      kaolabel evaluate ~/held-out
      kaolabel evaluate faces/ --crops --json
    """
    from training import evaluate as evaluation
    from training.report import describe_evaluation, render_evaluation
    from worker.models.live import load
    from worker.models.registry import require_active

    home = DatabaseSettings().home
    database = schema.connect(DatabaseSettings())
    model = load(require_active(database), home=home)
    with (
        decoders(home, input_size=model.embedder.spec.size) as pool,
        progress(quiet=as_json) as show,
    ):
        found = evaluation.evaluate(
            Path(folder),
            crops=crops,
            embedder=model.embedder,
            head=model.head,
            examine=lambda items: pool.examine(items, whole=crops),
            progress=show,
        )
    result = describe_evaluation(found)
    if as_json:
        terminal.print_json(result)
    else:
        terminal.out().print(render_evaluation(result))


def demo(
    *,
    out: Annotated[Path, typer.Option(help="Folder to leave everything in.")] = Path("demo"),
) -> None:
    """Draw an archive, train on it, label it through the real queue, and leave a report.

    Needs no images and no download.

    \b
    For example:
      kaolabel demo --out /tmp/demo
    """
    from training.demo import run_demo

    run_demo(out)


@contextmanager
def decoders(home: Path, *, input_size: int = 96) -> Iterator[DecoderPool]:
    """Decoders of our own for the images to learn from; they are archive bytes like any other."""
    from worker.configured import check_detectors, configured_chain, decoder_pool

    settings = WorkerSettings()
    chain = configured_chain(settings, home)
    check_detectors(settings, chain)
    with decoder_pool(settings, chain, input_size=input_size) as pool:
        yield pool


@contextmanager
def progress(*, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A bar that follows (stage, done, total)."""
    with terminal.progress_bar("items", quiet=quiet) as bar:
        task = bar.add_task("starting", total=None)
        stage_shown = ""

        def show(stage: str, done: int, total: int) -> None:
            nonlocal stage_shown
            if stage != stage_shown:
                bar.reset(task)
                stage_shown = stage
            bar.update(task, description=stage, completed=done, total=total)

        yield show
