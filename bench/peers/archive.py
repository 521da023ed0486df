"""The archive to label: real scenes at slightly different sizes, else drawn ones.

Each of the scenes is encoded again and again, at 0.8 to 1 of its size (about 0.9 megapixels on the
whole) and at a JPEG quality of 88 to 92 with halved chroma, like what people have. No two files are
equal, so nothing is skipped as known.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
from numpy.random import PCG64, Generator

from bench.devdata import DEV_DATA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SCENES = ("raw", "raw (unrecognized)")

_SMALLEST, _LARGEST = 0.8, 1.0
_QUALITIES = (88, 89, 90, 91, 92)
_SEED = 1


def build(cache: Path, *, images: int) -> Path:
    """Make the archive, unless an earlier run left it.

    Args:
        cache: folder for what is made once.
        images: how many.

    Returns:
        Its folder.
    """
    scenes = keima()
    folder = cache / f"{'keima' if scenes else 'drawn'}-{images}"
    if not folder.exists():
        kind = f"encodings of {len(scenes)} real scenes" if scenes else "drawn scenes (no data)"
        print(f"an archive of {images:,} {kind}", file=sys.stderr)
        _whole(folder, lambda target: _fill(target, scenes, images))
    return folder


def keima() -> list[Path]:
    """The real scenes, if they are there."""
    folders = (DEV_DATA / "data" / "keima" / name for name in _SCENES)
    return sorted(path for folder in folders for path in folder.glob("*/*") if path.is_file())


def _whole(folder: Path, make: Callable[[Path], None]) -> None:
    """Make a folder that is there complete or not at all."""
    target = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        make(target)
        target.rename(folder)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def _fill(target: Path, scenes: list[Path], images: int) -> None:
    if scenes:
        encode(target, scenes, images=images)
    else:
        _draw(target, images)


def encode(target: Path, scenes: list[Path], *, images: int) -> None:
    """Fill a folder with encodings of the scenes, each as often as the others.

    Raises:
        SystemExit: one of them is no image.
    """

    def work(number: int) -> None:
        _encode(scenes[number], target, number, images, len(scenes))

    # Threads suffice, as OpenCV works without the interpreter's lock.
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(work, range(min(len(scenes), images))))


def _draw(target: Path, images: int) -> None:
    from training.drawn import cast, write_archive

    people = cast(12, seed=_SEED)
    write_archive(target, people[:8], people[8:], scenes=images, seed=_SEED)


def _variants(number: int, images: int, scenes: int) -> Iterator[tuple[float, int]]:
    """Factor and quality of each encoding of a scene; neighbours differ in both."""
    rng = Generator(PCG64([_SEED, number]))
    count = len(range(number, images, scenes))
    for turn in range(count):
        place = (turn + float(rng.random())) / count
        yield _SMALLEST + (_LARGEST - _SMALLEST) * place, _QUALITIES[turn % len(_QUALITIES)]


def _encode(scene: Path, target: Path, number: int, images: int, scenes: int) -> None:
    pixels = cv2.imread(str(scene), cv2.IMREAD_COLOR)
    if pixels is None:
        raise SystemExit(f"{scene} is no image that OpenCV reads")
    for turn, (factor, quality) in enumerate(_variants(number, images, scenes)):
        size = round(pixels.shape[1] * factor), round(pixels.shape[0] * factor)
        scaled = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        # A folder for each turn, so that neighbours in the archive are different scenes.
        file = target / f"{turn:03}" / f"{number:03}.jpg"
        file.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(file), scaled, (cv2.IMWRITE_JPEG_QUALITY, quality))
