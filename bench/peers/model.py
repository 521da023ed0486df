"""The model that labels: trained once, from the development data or from drawn characters."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.devdata import CASCADE, DEV_DATA

if TYPE_CHECKING:
    from collections.abc import Mapping

_CROPS = DEV_DATA / "data" / "keima" / "resized_for_training"
_WEIGHTS = DEV_DATA / "weights" / "inception_v3_drawings.weights.h5"

_LABELS, _PER_LABEL, _SEED = 8, 8, 2


def cascade(given: str | None) -> Path | None:
    """The LBP cascade: the one given, else that of the development data, if any."""
    if given is not None:
        return Path(given)
    return CASCADE if CASCADE.exists() else None


def weights() -> Path | None:
    """The development data's weights of Inception V3, if any."""
    return _WEIGHTS if _WEIGHTS.exists() else None


def train(home: Path, environment: Mapping[str, str]) -> None:
    """Train and activate a model with `kaolabel train`, in an empty home.

    Args:
        home: a folder that need not exist.
        environment: of the command; names home and cascade.

    Raises:
        SystemExit: it failed.
    """
    pretrained = weights()
    backbone = "seeded" if pretrained is None else str(pretrained)
    if _CROPS.exists():
        folder, more = _CROPS, ["--crops"]
    else:
        folder, more = _draw(home), []
    print(f"training a model of {folder} with {backbone}", file=sys.stderr)
    options = ["--backbone", backbone, "--force", "--json", *more]
    command = [sys.executable, "-m", "kaolabel", "train", str(folder), *options]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"kaolabel train ended with {done.returncode}: {done.stderr.decode()}")


def _draw(home: Path) -> Path:
    from training.drawn import cast, write_training_folder

    folder = home.parent / "characters"
    write_training_folder(folder, cast(_LABELS, seed=1), per_label=_PER_LABEL, seed=_SEED)
    return folder
