"""The demo: the whole of kaolabel on a drawn archive, through the same commands that people use."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from numpy.random import PCG64, Generator

from db import schema
from db.errors import KaolabelError, UsageError
from db.settings import DatabaseSettings
from db.store import extent, runs, survey, tally
from training.drawn import cast, write_archive, write_training_folder
from training.spoil import spoil
from worker import terminal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from db.records import LabelledFace
    from training.drawn import DrawnFile

SEED = 20
CHARACTERS, STRANGERS = 8, 4
SCENES, SCENES_PER_LABEL = 320, 24

# Marks a folder that an earlier demo made and this one may clear.
_MARK = ".kaolabel-demo"
# What the demo leaves as the user set it; all else would change what it does.
_KEPT_SETTINGS = ("KAOLABEL_DECODERS", "KAOLABEL_DEVICE", "KAOLABEL_DEBUG")


@dataclass(frozen=True, slots=True)
class Count:
    """How many of `n` things came out right."""

    right: int
    n: int

    def __str__(self) -> str:
        return f"{self.right}/{self.n}" + (f" ({self.right / self.n:.1%})" if self.n else "")


def run_demo(out: Path) -> dict[str, Any]:
    """Draw an archive, train, label it with a Redis and workers of its own, write a report.

    Args:
        out: folder to leave everything in; an earlier demo in it is replaced.

    Returns:
        What was found, as it is left in `result.json`.

    Raises:
        UsageError: when the folder holds something else.
        KaolabelError: when one of the commands fails.
    """
    started = time.monotonic()
    _clear(out)
    truth = _draw(out)
    environment = _environment(out)
    _command(environment, "train", str(out / "training"))
    _command(environment, "label", str(out / "archive"))
    _command(environment, "report", "1", "--out", str(out / "report.html"))
    result = _judge(out, truth) | {"seconds": round(time.monotonic() - started, 1)}
    (out / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    _tell(result, out)
    return result


def _clear(out: Path) -> None:
    if out.exists():
        if not out.is_dir():
            raise UsageError(f"{out} is a file; give the demo a folder of its own with --out")
        if not (out / _MARK).exists() and any(out.iterdir()):
            raise UsageError(f"{out} holds other files; give the demo a new folder with --out")
        shutil.rmtree(out)
    try:
        out.mkdir(parents=True)
        (out / _MARK).touch()
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}") from error


def _draw(out: Path) -> tuple[DrawnFile, ...]:
    people = cast(CHARACTERS + STRANGERS, seed=SEED)
    known, strangers = people[:CHARACTERS], people[CHARACTERS:]
    with terminal.progress_bar("images") as bar:
        task = bar.add_task("drawing", total=CHARACTERS * SCENES_PER_LABEL + SCENES)
        write_training_folder(
            out / "training",
            known,
            per_label=SCENES_PER_LABEL,
            seed=SEED,
            progress=lambda done: bar.update(task, completed=done),
        )
        truth = write_archive(
            out / "archive",
            known,
            strangers,
            scenes=SCENES,
            seed=SEED + 1,
            progress=lambda done: bar.update(task, completed=CHARACTERS * SCENES_PER_LABEL + done),
        )
    spoil(out / "archive", rng=Generator(PCG64(SEED)))
    names = {character.name for character in known}
    terminal.out().print(
        f"Drew {SCENES} scenes with {len(names)} characters and {STRANGERS} strangers, broken files"
        f" among them, into {out / 'archive'}.",
        soft_wrap=True,
    )
    return truth


def _environment(out: Path) -> dict[str, str]:
    scrubbed = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("KAOLABEL_") or name in _KEPT_SETTINGS
    }
    return {**scrubbed, "KAOLABEL_HOME": str(out.absolute() / "state")}


def _command(environment: Mapping[str, str], *arguments: str) -> None:
    terminal.out().print(f"\n$ kaolabel {' '.join(arguments)}", style="bold", soft_wrap=True)
    sys.stdout.flush()
    command = [sys.executable, "-m", "kaolabel", *arguments]
    if subprocess.run(command, env=dict(environment), check=False).returncode:
        raise KaolabelError(f"`kaolabel {arguments[0]}` failed; its message is above")


def _judge(out: Path, truth: tuple[DrawnFile, ...]) -> dict[str, Any]:
    """Compare what the database says with what was drawn."""
    database = schema.connect(DatabaseSettings(home=out / "state", database_url=None))
    with database.read() as connection:
        run = runs.get(connection, 1)
        counts = tally.count(connection, run)
        briefs = survey.briefs(connection, run, within=extent.of(connection, run))
        ids = [face_id for face_id, *_ in briefs]
        found = survey.labelled(connection, run, ids).values()
    database.close()
    archive = out / "archive"
    faces: dict[str, list[LabelledFace]] = {}
    for face in found:
        # By content: a face is stored once, under the first name of its bytes.
        faces.setdefault(_content(archive / os.fsdecode(face.path)), []).append(face)
    seen = {file.path: faces.get(_content(archive / file.path), []) for file in truth}
    known = {file.name for file in (out / "training").iterdir()}
    single = [file for file in truth if len(file.faces) == 1]
    ours = [file for file in single if file.faces[0].character in known]
    others = [file for file in single if file.faces[0].character not in known]
    empty = [file for file in truth if not file.faces]
    right = [file for file in ours if _label(seen[file.path]) == file.faces[0].character]
    rejected = [file for file in others if _label(seen[file.path]) is None]
    return {
        "known_right": [len(right), len(ours)],
        "strangers_unknown": [len(rejected), len(others)],
        "empty_without_face": [sum(not seen[file.path] for file in empty), len(empty)],
        "images": counts.images,
        "unreadable": counts.unreadable,
        "quarantined": counts.quarantined,
    }


def _content(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _label(faces: list[LabelledFace]) -> str | None:
    """The label of the largest face; None for no face and for an unknown one."""
    if not faces:
        return None
    largest = max(faces, key=lambda face: face.box.area)
    return None if largest.unknown else largest.label


def _tell(result: Mapping[str, Any], out: Path) -> None:
    lines = {
        "known characters, alone in a scene, labelled right": Count(*result["known_right"]),
        "strangers told to be unknown": Count(*result["strangers_unknown"]),
        "scenes without a face in which none was found": Count(*result["empty_without_face"]),
        "broken files, each with its reason": result["unreadable"],
    }
    console = terminal.out()
    console.print("\nAgainst what was drawn:", style="bold")
    for name, number in lines.items():
        console.print(f"  {name:<52}{number}")
    report = out / "report.html"
    console.print(f"\nDone in {result['seconds']:.0f} s. Look at {report}", soft_wrap=True)
