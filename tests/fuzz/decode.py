"""Fuzzes the decoding of images: `python -m tests.fuzz.decode [libFuzzer options] CORPUS…`.

Guided by the coverage of Pillow's parsers and of ours; OpenCV's codecs are native and only show
that they crash, hang or give wrong shapes. `python -m tests.fuzz.starts CORPUS` makes a corpus.
"""

from __future__ import annotations

import importlib
import os
import resource
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from db.errors import UnreadableImageError
from tests.fuzz.sealing import sealed

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_PIXELS = 4_000_000
REASONS = frozenset(
    {"empty", "not_an_image", "unsupported", "truncated", "damaged", "too_many_pixels"}
)

# On top of what the libraries take, as the sandbox has it; a hostile header may ask for more.
_MEMORY = 1 << 30
# Small enough for the starting images, so that their JPEGs are also decoded at 1/2, 1/4 and 1/8.
_LONG_SIDES = (1600, 3)


class BrokenPromiseError(AssertionError):
    """Raised when decoding ends in a way that its documentation does not name."""


def one_input(vision: Any, data: bytes) -> None:
    """Decode bytes as a decoder process does.

    Args:
        vision: the module `worker.vision.decode`.
        data: what the fuzzer made up.

    Raises:
        BrokenPromiseError: the pixels, or the reason for none, are not as promised.
    """
    for long_side in _LONG_SIDES:
        with suppress(MemoryError):
            _decode(vision, data, long_side)


def _decode(vision: Any, data: bytes, long_side: int) -> None:
    try:
        header = vision.read_header(data, max_pixels=MAX_PIXELS)
        decoded = vision.decode(data, header, long_side=long_side)
    except UnreadableImageError as error:
        if error.reason not in REASONS or not error.detail.isprintable():
            raise BrokenPromiseError(f"no reason of ours, or no line: {error}") from error
        return
    pixels = decoded.pixels
    if pixels.dtype != "uint8" or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise BrokenPromiseError(f"{header} became {pixels.dtype} {pixels.shape}")
    if decoded.width * decoded.height > MAX_PIXELS:
        raise BrokenPromiseError(f"{header} became {decoded.width} x {decoded.height}")
    found = decoded.width * decoded.scale, decoded.height * decoded.scale
    if any(abs(a - b) >= 1 for a, b in zip(found, pixels.shape[1::-1], strict=True)):
        raise BrokenPromiseError(f"{header} became {decoded.width} x {decoded.height} at {found}")


def main() -> None:
    """Fuzz until libFuzzer's options say to stop."""
    # Not in the locked environment: `make fuzz` installs it beside.
    atheris = importlib.import_module("atheris")
    # OpenCV reads these when it is imported, as in a decoder process.
    os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(MAX_PIXELS)
    os.environ["OPENCV_LOG_LEVEL"] = "SILENT"
    with atheris.instrument_imports(include=["PIL", "worker.vision.decode"]):
        vision = importlib.import_module("worker.vision.decode")
        # Loads the parsers of all formats, which Pillow leaves to the first image of each.
        importlib.import_module("PIL.Image").init()
    importlib.import_module("cv2").setNumThreads(1)
    _limit_memory()
    atheris.Setup(sys.argv, lambda data: one_input(vision, data), custom_mutator=_mutator(atheris))
    atheris.Fuzz()


def _mutator(atheris: Any) -> Callable[[bytes, int, int], bytes]:
    def changed(data: bytes, most: int, seed: int) -> bytes:
        mutant = atheris.Mutate(data, most)
        # Some keep their wrong sums: those must be refused as well.
        return sealed(mutant) if seed % 8 else mutant

    return changed


def _limit_memory() -> None:
    with open("/proc/self/statm") as statm:  # noqa: PTH123  # a kernel file, read once
        used = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY, used + _MEMORY))


if __name__ == "__main__":
    main()
