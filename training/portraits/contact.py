"""Contact sheets: characters side by side in several views, for eyes to judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.random import PCG64, Generator

from db.errors import UsageError
from training.portraits.character import cast_characters
from training.portraits.portrait import draw_portraits
from training.portraits.view import look

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_FORMATS = (".png", ".jpg", ".webp")


def write_contact_sheet(
    path: Path, *, characters: int = 100, views: int = 4, seed: int = 0, size: int = 96
) -> None:
    """Draw characters, each in a row of views, and write the sheet as an image.

    Args:
        path: the file; its ending says the format.
        characters: how many.
        views: pictures of each.
        seed: of all chance; the same one gives the same sheet.
        size: of a face in pixels.

    Raises:
        UsageError: the file's name does not end as one of an image.
    """
    if path.suffix.lower() not in _FORMATS:
        raise UsageError(f"{path} must end with {', '.join(_FORMATS)}")
    rng = Generator(PCG64(seed))
    cast = cast_characters(characters, rng)
    rows = np.repeat(np.arange(characters), views)
    faces = draw_portraits(cast.take(rows), look(len(rows), rng), rng, size=size)
    # cv2.imwrite knows no paths but those of its own encoding.
    path.write_bytes(cv2.imencode(path.suffix, _laid_out(faces, views))[1].tobytes())


def _laid_out(faces: NDArray[np.uint8], views: int) -> NDArray[np.uint8]:
    """Put strips of one character's views into as many columns as make a square; the rest white."""
    size = faces.shape[1]
    strips = len(faces) // views
    columns = max(1, round((strips / views) ** 0.5))
    lines = -(-strips // columns)
    room = np.full((lines * columns, views, *faces.shape[1:]), 255, np.uint8)
    room[:strips] = faces.reshape(strips, views, *faces.shape[1:])
    grid = room.reshape(lines, columns * views, size, size, 3)
    return grid.swapaxes(1, 2).reshape(lines * size, columns * views * size, 3)
