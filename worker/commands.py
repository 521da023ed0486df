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
_UNCONFINED = "this kernel offers no seccomp: decoders are limited in memory and time only"

detector_app = typer.Typer(help="Fetch and check face detectors.", no_args_is_help=True)


def worker(
    *,
    decoders: Annotated[
        int | None, typer.Option(min=1, help="Decoder processes; one a core by default.")
    ] = None,
    device: Annotated[
        Literal["cpu", "gpu", "auto"] | None, typer.Option(help="Where Keras computes.")
    ] = None,
) -> None:
    """Take jobs from the broker until stopped; SIGTERM or Ctrl-C finishes the job in hand.

    Needs KAOLABEL_BROKER_URL, and the database and KAOLABEL_HOME that the producer uses.

    \b
    For example:
      KAOLABEL_BROKER_URL=redis://broker/0 kaolabel worker
      kaolabel worker --decoders 8 --device gpu
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
    """Name the faces of single images with the active model; writes nothing.

    \b
    For example:
      kaolabel classify drawing.png
      kaolabel classify *.jpg --json | jq '.files[].faces[].label'
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
    url: Annotated[str | None, typer.Option(help="Download from elsewhere.")] = None,
    to: Annotated[Path | None, typer.Option(help="Where to put the file.")] = None,
) -> None:
    """Download lbpcascade_animeface, check its SHA-256, and say how to use it."""
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
    """Prove that every detector finds a drawn face here, and tell how decoders are confined."""
    from db.settings import DatabaseSettings
    from worker.configured import check_detectors, configured_chain
    from worker.settings import WorkerSettings

    settings = WorkerSettings()
    chain = configured_chain(settings, DatabaseSettings().home)
    confined = check_detectors(settings, chain)
    terminal.out().print(f"all detectors find a drawn face: {chain.id}", soft_wrap=True)
    terminal.out().print(_CONFINED if confined else _UNCONFINED, soft_wrap=True)
