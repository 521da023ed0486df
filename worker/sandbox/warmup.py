"""Tiny images of every format, whose decoding loads whatever decoding ever loads."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image

from worker.vision.decode import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIDE = 32
_ORIENTATION, _UPRIGHT, _TURNED = 0x0112, 1, 6


def samples() -> Iterator[bytes]:
    """Image files of every format that the installed libraries can write, and one that is none.

    Loads all of Pillow's formats first, as Pillow itself does at the first file that it doubts.
    """
    Image.init()
    yield b"no image at all"
    for name in FORMATS:
        if name in Image.SAVE:
            yield _encoded(name)


def _encoded(name: str) -> bytes:
    """One that is see-through where the format allows it, else turned by EXIF."""
    mode, orientation = ("RGB", _TURNED) if name in ("JPEG", "PPM") else ("RGBA", _UPRIGHT)
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    buffer = io.BytesIO()
    Image.new(mode, (_SIDE, _SIDE)).save(buffer, name, exif=exif)
    return buffer.getvalue()
