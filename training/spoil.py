"""The files that every real archive has beside its good ones: broken, misnamed, doubled, odd."""

from __future__ import annotations

import os
import shutil
import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.random import Generator

DUPLICATES = 6
_HTML = b"<!DOCTYPE html><title>404 Not Found</title>\n"


def spoil(archive: Path, *, rng: Generator) -> None:
    """Add what goes wrong in archives: ten files that are no image, copies, and odd names.

    Args:
        archive: a folder of good images.
        rng: chooses which of them are copied and cut.
    """
    images = sorted(path for path in archive.rglob("*") if path.is_file())
    broken = archive / "downloads"
    broken.mkdir(parents=True, exist_ok=True)
    for name, content in _broken(images, rng).items():
        (broken / name).write_bytes(content)
    for number in range(DUPLICATES):
        source = images[int(rng.integers(len(images)))]
        shutil.copy(source, broken / f"copy {number}{source.suffix}")
    source = images[int(rng.integers(len(images)))]
    for odd in (b"-rf.png", b'say "kao".png', b"two\nlines.png", b"latin-1 \xe9t\xe9.png"):
        shutil.copy(os.fsencode(source), os.path.join(os.fsencode(broken), odd))


def _broken(images: list[Path], rng: Generator) -> dict[str, bytes]:
    png = next(path for path in images if path.suffix == ".png").read_bytes()
    noise = rng.bytes(4096)
    return {
        "empty.jpg": b"",
        "not found.png": _HTML,
        "noise.jpg": noise,
        "noise after a good start.png": png[:40] + noise,
        "cut off.png": png[: len(png) // 2],
        "only a header.png": png[:33],
        "notes.txt": b"remember to sort these\n",
        "huge.png": _png_header(60_000, 60_000),
        "no pixels.png": _png_header(0, 0),
        "half a jpeg.jpg": b"\xff\xd8\xff\xe0" + noise[:64],
    }


def _png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds nothing; 8-bit RGB, PNG specification section 11.2.2."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))]
    chunks.append(struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND")))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
