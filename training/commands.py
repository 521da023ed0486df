"""The commands `kaolabel train`, `trainer`, `beat`, `evaluate` and `demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from db.errors import UsageError
from worker import completion, terminal
from worker.terminal import AsJson

Folder = Annotated[str, typer.Argument(help="Folder with a folder of images for each label.")]
Crops = Annotated[
    bool, typer.Option("--crops", help="The images are faces already; search for none in them.")
]


def train(
    folder: Annotated[
        str | None, typer.Argument(help="Folder with a folder of images for each label.")
    ] = None,
    *,
    from_annotations: Annotated[
        bool, typer.Option("--from-annotations", help="Learn from what people said of faces, too.")
    ] = False,
    crops: Crops = False,
    fine_tune: Annotated[
        bool, typer.Option("--fine-tune", help="Train Inception V3 itself, not a head alone.")
    ] = False,
    backbone: Annotated[
        str | None,
        typer.Option(
            help="drawn, imagenet, seeded, or a weights file; by default KAOLABEL_BACKBONE.",
            autocompletion=completion.backbones,
        ),
    ] = None,
    taps: Annotated[
        str | None,
        typer.Option(
            help="Layers to embed with, such as mixed3+mixed5; else as suits the backbone."
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(help="Input size in pixels, 75 to 512; 96 by default, 139 with --fine-tune."),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Of a fine-tuning, at most; 20 by default.")
    ] = None,
    hold_out: Annotated[
        float | None, typer.Option(help="Share of the faces that only judge; 0.2 by default.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Confidence below which a face is unknown; by default chosen from the faces."
        ),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(help="How much worse than the active model may pass; 0.02 by default."),
    ] = None,
    max_change: Annotated[
        float | None,
        typer.Option(help="Share of the archive's labels that may change; 0.2 by default."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Activate the model whatever the gate says.")
    ] = False,
    remote: Annotated[
        bool, typer.Option("--remote", help="Have a trainer elsewhere do it (`kaolabel trainer`).")
    ] = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="With --remote: do not wait for it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train a model, and activate it if it passes the gate.

    Learns from folders, from annotations, or from both. In a scene with several faces the label is
    that of the largest one. A part of the faces is held out: the new model must name as many of
    them as the active one, within --margin, and change no more of the archive's labels than
    --max-change. One that does not pass is published and waits; that is no failure. Relabels
    nothing: that is `kaolabel relabel`.

    Settings: KAOLABEL_HOME, KAOLABEL_DATABASE_URL, KAOLABEL_BACKBONE, KAOLABEL_SEED,
    KAOLABEL_LEAST_USABLE, KERAS_BACKEND; with --remote, KAOLABEL_BROKER_URL.

    \b
    For example:
      kaolabel train ~/characters
      kaolabel train faces/ --crops --fine-tune
      kaolabel train --from-annotations --remote

    See also: `kaolabel evaluate`, `kaolabel models`, `kaolabel trainer`, `kaolabel annotate`.
    """
    from training.request import TrainingRequest

    options = {
        "folder": folder,
        "from_annotations": from_annotations,
        "crops": crops,
        "fine_tune": fine_tune,
        "backbone": backbone,
        "taps": taps,
        "size": size,
        "epochs": epochs,
        "hold_out": hold_out,
        "threshold": threshold,
        "margin": margin,
        "max_change": max_change,
        "force": force,
    }
    request = TrainingRequest.of({k: v for k, v in options.items() if v is not None})
    if detach and not remote:
        raise UsageError("--detach goes with --remote: a training right here has nobody else")
    if remote:
        from training.session import train_elsewhere

        train_elsewhere(request, detach=detach, as_json=as_json)
    else:
        from training.session import train_here

        train_here(request, as_json=as_json)


def trainer() -> None:
    """Carry out trainings that are asked for elsewhere.

    Goes on until it is stopped. Serves a queue of its own, which labelling workers do not; one
    training runs at a time, however many trainers there are.

    Settings: KAOLABEL_BROKER_URL, which it needs; KAOLABEL_DATABASE_URL and KAOLABEL_HOME, as the
    producer's; those of `kaolabel train`; KAOLABEL_LOG_FORMAT, KAOLABEL_LOG_LEVEL.

    \b
    For example:
      KAOLABEL_BROKER_URL=redis://broker/0 kaolabel trainer

    See also: `kaolabel train --remote`, `kaolabel beat`, `kaolabel status`.
    """
    from training.launch import become_trainer

    become_trainer()


def beat() -> None:
    """Ask for trainings by schedule, or by the count of annotations.

    Goes on until it is stopped. Trains nothing itself: a `kaolabel trainer` must run. One beat is
    enough; a second one asks for nothing more while the first training waits.

    Settings: KAOLABEL_BROKER_URL, which it needs; KAOLABEL_TRAIN_SCHEDULE and KAOLABEL_TRAIN_AFTER,
    one of which it needs; KAOLABEL_HOME, KAOLABEL_DATABASE_URL, KAOLABEL_LOG_FORMAT,
    KAOLABEL_LOG_LEVEL. What to train, KAOLABEL_TRAIN_REQUEST, is a setting of the trainers.

    \b
    For example:
      KAOLABEL_TRAIN_SCHEDULE="0 3 * * *" kaolabel beat
      KAOLABEL_TRAIN_AFTER=200 kaolabel beat

    See also: `kaolabel trainer`, `kaolabel annotate`.
    """
    from training.launch import become_beat

    become_beat()


def evaluate(folder: Folder, *, crops: Crops = False, as_json: AsJson = False) -> None:
    """Measure the active model on a labelled folder.

    An image is right if its largest face gets its folder's label, the threshold aside. Stores
    nothing, and needs no Redis.

    Settings: KAOLABEL_HOME, KAOLABEL_DATABASE_URL, KAOLABEL_CASCADE, KAOLABEL_DECODERS,
    KERAS_BACKEND.

    \b
    For example:
      kaolabel evaluate ~/held-out
      kaolabel evaluate faces/ --crops --json

    See also: `kaolabel models show`, `kaolabel classify`.
    """
    from db import schema
    from db.settings import DatabaseSettings
    from training import evaluate as evaluation
    from training.report import describe_evaluation, render_evaluation
    from training.run import decoders
    from training.session import progress
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
    terminal.present(result, lambda: render_evaluation(result), as_json=as_json)


def demo(
    *,
    out: Annotated[Path, typer.Option(help="Folder to leave everything in.")] = Path("demo"),
) -> None:
    """Draw an archive, train on it, label it, and leave a report.

    Runs the real commands with a Redis, a worker and a database of its own, all of it in one
    folder, which it empties first if it is a demo's. Needs no images and no download.

    Settings: KAOLABEL_DECODERS and KAOLABEL_DEVICE; no other ones count.

    \b
    For example:
      kaolabel demo
      kaolabel demo --out /tmp/demo

    See also: `kaolabel train`, `kaolabel label`, `kaolabel report`.
    """
    from training.demo import run_demo

    run_demo(out)
