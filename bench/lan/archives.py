"""Archives to label: drawn scenes, and files that say how long a decoder is to rest over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.drawn import cast, write_archive

if TYPE_CHECKING:
    from pathlib import Path

_FOLDER = 1000


def draw_scenes(folder: Path, count: int) -> Path:
    """That many drawn scenes, most of them with faces; the folder."""
    people = cast(12, seed=1)
    write_archive(folder, people[:8], people[8:], scenes=count, seed=2)
    return folder


def write_rests(folder: Path, count: int, *, rest: float) -> Path:
    """That many files of different bytes for the hook `rest`; the folder.

    Args:
        folder: to be made.
        count: how many.
        rest: seconds over each.
    """
    for number in range(count):
        below = folder / f"{number // _FOLDER:05}"
        if number % _FOLDER == 0:
            below.mkdir(parents=True)
        (below / f"{number:07}").write_bytes(
            b"%s-%d rest:%g" % (folder.name.encode(), number, rest)
        )
    return folder


def files(folder: Path) -> int:
    """How many files an archive has."""
    return sum(path.is_file() for path in folder.rglob("*"))
