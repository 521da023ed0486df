"""Folders of drawn pictures: a training set by label, and an archive as people keep them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
from numpy.random import PCG64, Generator

from db.errors import UsageError
from training.drawing.scene import DrawnFace, draw_scene

if TYPE_CHECKING:
    from training.drawing.character import Character
    from training.drawing.pen import Pixels

Progress = Callable[[int], None]

_TRAINING_SIZES = ((400, 320), (360, 360), (320, 400))
_ARCHIVE_SIZES = ((640, 480), (480, 640), (512, 512), (720, 540), (640, 360), (400, 600))
_FOLDERS = (
    "",
    "episode 01",
    "episode 02",
    "fan art",
    "fan art/2019",
    "wallpapers",
    "スクリーンショット",
)

# What encodes each kind of file; the lowest compression that is still honest, for speed.
_ENCODINGS = {
    ".jpg": (cv2.IMWRITE_JPEG_QUALITY, 90),
    ".png": (cv2.IMWRITE_PNG_COMPRESSION, 1),
    ".webp": (cv2.IMWRITE_WEBP_QUALITY, 85),
}
_KINDS = (".jpg", ".jpg", ".jpg", ".png", ".png", ".webp")

# The shares of an archive: scenes without a face, with a stranger, with several known characters.
_EMPTY, _STRANGE, _SEVERAL = 0.12, 0.10, 0.12


@dataclass(frozen=True, slots=True)
class DrawnFile:
    """A file of a drawn archive and the truth about it.

    Attributes:
        path: relative to the archive's folder, with forward slashes.
        faces: the faces in it, from left to right; strangers are named too.
    """

    path: str
    faces: tuple[DrawnFace, ...]


def write_training_folder(
    folder: Path,
    characters: Sequence[Character],
    *,
    per_label: int,
    seed: int,
    progress: Progress | None = None,
) -> None:
    """Write `folder/<name>/<nn>.png`: scenes of one character each.

    Args:
        folder: created where it is missing.
        characters: the labels.
        per_label: scenes of each character.
        seed: fixes every byte.
        progress: called with the number of files written so far.
    """
    for index, character in enumerate(characters):
        for number in range(per_label):
            rng = Generator(PCG64([seed, index, number]))
            size = _TRAINING_SIZES[int(rng.integers(len(_TRAINING_SIZES)))]
            scene = draw_scene([character], rng=rng, size=size)
            _write(folder / character.name / f"{number:02d}.png", scene.image)
            if progress is not None:
                progress(index * per_label + number + 1)


def write_archive(
    folder: Path,
    characters: Sequence[Character],
    strangers: Sequence[Character],
    *,
    scenes: int,
    seed: int,
    progress: Progress | None = None,
) -> tuple[DrawnFile, ...]:
    """Write an archive: subfolders, several formats, mostly one known character a picture.

    Some pictures show several characters, some a stranger, some no face at all.

    Args:
        folder: created where it is missing.
        characters: those a model may know.
        strangers: those that it must not know; may be empty.
        scenes: how many files.
        seed: fixes every byte.
        progress: called with the number of files written so far.

    Returns:
        The truth, one record a file, in the order of writing.

    Raises:
        UsageError: when there are no characters to draw.
    """
    if not characters:
        raise UsageError("an archive needs at least one character: cast some first")
    written = []
    for number in range(scenes):
        rng = Generator(PCG64([seed, number]))
        size = _ARCHIVE_SIZES[int(rng.integers(len(_ARCHIVE_SIZES)))]
        shown = _choose(rng, characters, strangers, wide=size[0] >= size[1])
        scene = draw_scene(shown, rng=rng, size=size)
        path = _name(rng, number)
        _write(folder / path, scene.image)
        written.append(DrawnFile(path, scene.faces))
        if progress is not None:
            progress(number + 1)
    return tuple(written)


def _choose(
    rng: Generator,
    characters: Sequence[Character],
    strangers: Sequence[Character],
    *,
    wide: bool,
) -> list[Character]:
    lot = float(rng.random())
    if lot < _EMPTY:
        return []
    if strangers and lot < _EMPTY + _STRANGE:
        return [strangers[int(rng.integers(len(strangers)))]]
    several = lot > 1.0 - _SEVERAL
    count = min(len(characters), int(rng.integers(2, 4 if wide else 3)) if several else 1)
    return [characters[int(i)] for i in rng.choice(len(characters), size=count, replace=False)]


def _name(rng: Generator, number: int) -> str:
    parent = _FOLDERS[int(rng.integers(len(_FOLDERS)))]
    kind = _KINDS[int(rng.integers(len(_KINDS)))]
    return f"{parent}/{number:04d}{kind}".lstrip("/")


def _write(path: Path, image: Pixels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    _, data = cv2.imencode(path.suffix, image, _ENCODINGS[path.suffix])
    path.write_bytes(data.tobytes())
