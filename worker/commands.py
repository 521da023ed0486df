"""The commands `kaolabel worker`, `classify` and `detector`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from worker import terminal
from worker.models.commands import models_app
from worker.terminal import AsJson

__all__ = ["classify", "detector_app", "models_app", "worker"]

_CONFINED = "decoders are confined: no network, no files, no processes"
_UNCONFINED = (
    "no seccomp: the kernel has none, or a filter of the service forbids it; decoders are limited"
    " in memory and time only"
)

detector_app = typer.Typer(help="Fetch and check face detectors.", no_args_is_help=True)


def worker(
    *,
    decoders: Annotated[
        int | None,
        typer.Option(
            min=1, help="Decoder processes; by default KAOLABEL_DECODERS, else one a core."
        ),
    ] = None,
    device: Annotated[
        Literal["cpu", "gpu", "auto"] | None,
        typer.Option(help="Where Keras computes; by default KAOLABEL_DEVICE, else auto."),
    ] = None,
) -> None:
    """Take jobs from the broker, until stopped.

    One worker a host, or a GPU, is enough: it starts as many decoders as there are cores. SIGTERM
    or Ctrl-C finishes the job in hand, or gives it back, within a minute. Needs the producer's
    database and models, and the archive, which it only reads, under the same path.

    Settings: KAOLABEL_BROKER_URL, which it needs; KAOLABEL_DATABASE_URL and KAOLABEL_HOME, as the
    producer's; KAOLABEL_ARCHIVE_ROOTS, KAOLABEL_CASCADE, KAOLABEL_PREPARE, KAOLABEL_MAX_PIXELS,
    KAOLABEL_MAX_FILE_BYTES, KAOLABEL_DECODER_SECONDS, KAOLABEL_DECODER_MEMORY,
    KAOLABEL_LOG_FORMAT, KAOLABEL_LOG_LEVEL, KERAS_BACKEND.

    \b
    For example:
      KAOLABEL_BROKER_URL=redis://broker/0 kaolabel worker
      kaolabel worker --decoders 8 --device gpu

    See also: `kaolabel label`, `kaolabel status`, `kaolabel trainer`.
    """
    from worker.launch import become_worker
    from worker.settings import WorkerSettings

    if decoders is not None:
        os.environ["KAOLABEL_DECODERS"] = str(decoders)
    if device is not None:
        os.environ["KAOLABEL_DEVICE"] = device
    become_worker(WorkerSettings())


def classify(
    files: Annotated[list[str], typer.Argument(help="Image files.")], *, as_json: AsJson = False
) -> None:
    """Name the faces of single images with the active model.

    Stores nothing, and needs no Redis. Ends with 1 if any of the files cannot be read or decoded;
    the others are shown all the same.

    Settings: KAOLABEL_HOME, KAOLABEL_DATABASE_URL, KAOLABEL_CASCADE, KAOLABEL_DECODERS,
    KERAS_BACKEND.

    \b
    For example:
      kaolabel classify drawing.png
      kaolabel classify *.jpg --json | jq '.files[].faces[].label'

    See also: `kaolabel label`, `kaolabel evaluate`.
    """
    from db import schema
    from db.settings import DatabaseSettings
    from worker.settings import WorkerSettings
    from worker.single import classify_files, render

    ledger = DatabaseSettings()
    results = classify_files(
        files, database=schema.connect(ledger), home=ledger.home, settings=WorkerSettings()
    )
    terminal.present({"files": results}, lambda: render(results), as_json=as_json)
    if any(result["outcome"] in {"unreadable", "quarantined"} for result in results):
        raise typer.Exit(1)


@detector_app.command()
def fetch(
    *,
    url: Annotated[
        str | None, typer.Option(help="Address to download from; by default GitHub.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="Where to put it; by default KAOLABEL_HOME.")
    ] = None,
) -> None:
    """Download lbpcascade_animeface, and check its SHA-256.

    Put into the home folder, it is used from then on; elsewhere, KAOLABEL_CASCADE has to name it.
    A run that was begun without it has to be begun anew.

    Settings: KAOLABEL_HOME, https_proxy.

    \b
    For example:
      kaolabel detector fetch
      kaolabel detector fetch --to /usr/share/kaolabel/lbpcascade_animeface.xml

    See also: `kaolabel detector check`.
    """
    from db.home import make_home
    from db.settings import DatabaseSettings
    from worker.configured import fetched_cascade
    from worker.vision import cascade

    target = to or fetched_cascade(make_home(DatabaseSettings().home))
    cascade.fetch(target, url=url or cascade.LBP_URL)
    found = "found there by itself" if to is None else f"used with KAOLABEL_CASCADE={target}"
    terminal.out().print(f"{target} is checked and in place; it is {found}.", soft_wrap=True)


@detector_app.command()
def check() -> None:
    """Prove that every detector finds a drawn face here.

    Tells how decoders are confined on this machine, too. Ends with 4 if a detector finds nothing
    or cannot be loaded.

    Settings: KAOLABEL_HOME, KAOLABEL_CASCADE, KAOLABEL_DECODER_MEMORY.

    \b
    For example:
      kaolabel detector check
      KAOLABEL_CASCADE=haarcascade_frontalface_default kaolabel detector check

    See also: `kaolabel detector fetch`; docs/security.md tells what confines decoders.
    """
    from db.settings import DatabaseSettings
    from worker.configured import check_detectors, configured_chain
    from worker.settings import WorkerSettings

    settings = WorkerSettings()
    chain = configured_chain(settings, DatabaseSettings().home)
    confined = check_detectors(settings, chain)
    terminal.out().print(f"all detectors find a drawn face: {chain.id}", soft_wrap=True)
    terminal.out().print(_CONFINED if confined else _UNCONFINED, soft_wrap=True)
