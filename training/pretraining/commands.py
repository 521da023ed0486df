"""The command `kaolabel pretrain`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from db.errors import UsageError
from worker import terminal
from worker.terminal import AsJson

if TYPE_CHECKING:
    from training.pretraining.settings import Phase, Pretraining

_PHASES = ("64:2000", "80:800", "96:900")


def pretrain(
    *,
    out: Annotated[Path, typer.Option(help="Folder for weights, curve and state.")] = Path(
        "pretraining"
    ),
    phase: Annotated[
        list[str] | None,
        typer.Option(help=f"Size of faces and steps, again and again; {' '.join(_PHASES)}."),
    ] = None,
    taps: Annotated[
        str, typer.Option(help="Layers that learn; those above the deepest one do not.")
    ] = "mixed3+mixed5",
    characters: Annotated[int, typer.Option(min=2, help="In a step.")] = 32,
    views: Annotated[int, typer.Option(min=2, help="Of each of them.")] = 4,
    rate: Annotated[float, typer.Option(min=0.0, help="The highest learning rate.")] = 2e-3,
    seed: Annotated[int, typer.Option(min=0, help="Where chance comes from.")] = 0,
    every: Annotated[int, typer.Option(min=1, help="Steps between two states and weights.")] = 200,
    bfloat16: Annotated[
        bool, typer.Option("--bfloat16", help="Compute in bfloat16, where that is faster.")
    ] = False,
    contact_sheet: Annotated[
        Path | None,
        typer.Option(help="Draw 100 such characters, four views each, into this image, and stop."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Pretrain Inception V3 on drawn faces.

    This is how the backbone `drawn` was made, which comes with kaolabel. Draws made-up characters,
    each in several views, and teaches the network who is who and what they look like. Needs no
    image and no download. Stopped, it goes on where it was when it is run again with the same
    options. Its weights can be given to `kaolabel train --backbone`.

    Settings: KERAS_BACKEND.

    \b
    For example:
      kaolabel pretrain --out weights --bfloat16
      kaolabel pretrain --phase 64:200 --phase 96:100 --every 100
      kaolabel pretrain --contact-sheet characters.png

    See also: `kaolabel train`.
    """
    if contact_sheet is not None:
        from training.portraits.contact import write_contact_sheet

        write_contact_sheet(contact_sheet, seed=seed)
        drawn = {"contact_sheet": str(contact_sheet)}
        terminal.present(drawn, lambda: str(contact_sheet), as_json=as_json, soft_wrap=True)
        return
    # TensorFlow's own kernels for training on a CPU are slower, and have none for bfloat16.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    from training.pretraining.settings import Pretraining

    try:
        settings = Pretraining(
            taps=tuple(taps.split("+")),
            phases=tuple(_phase(text) for text in phase or _PHASES),
            characters=characters,
            views=views,
            rate=rate,
            seed=seed,
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
    _run(settings, out=out, every=every, bfloat16=bfloat16, as_json=as_json)


def _run(settings: Pretraining, *, out: Path, every: int, bfloat16: bool, as_json: bool) -> None:
    from training.pretraining.run import Paths, pretrain
    from training.session import progress

    with terminal.interrupted_by_sigterm(), progress(quiet=as_json) as show:
        weights = pretrain(settings, folder=out, every=every, bfloat16=bfloat16, progress=show)
    result = {"steps": settings.steps, "weights": str(weights), "curve": str(Paths(out).curve)}
    terminal.present(
        result,
        lambda: "\n".join(f"{name}: {value}" for name, value in result.items()),
        as_json=as_json,
        soft_wrap=True,
    )


def _phase(text: str) -> Phase:
    from training.pretraining.settings import Phase

    size, _, steps = text.partition(":")
    if not (size.isdecimal() and steps.isdecimal()):
        raise UsageError(f"--phase is a size and steps, such as 64:2000, not {text!r}")
    return Phase(int(size), int(steps))
