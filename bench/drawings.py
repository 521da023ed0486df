"""Archives of any number of small drawn JPEGs, none of which has the bytes of another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from worker.vision.probe import anime_face

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

# Every file is one of so many drawings, with a comment of its own.
_DRAWINGS = 100
_WIDTH, _HEIGHT, _QUALITY = 160, 120, 85
_FOLDER = 1000


def draw_archive(folder: Path, images: int) -> None:
    """Write small JPEGs with distinct bytes; every second one has a face."""
    drawings = [_drawing(number) for number in range(min(_DRAWINGS, images))]
    for number in range(images):
        below = folder / f"{number // _FOLDER:05}"
        if number % _FOLDER == 0:
            below.mkdir(parents=True)
        jpeg = drawings[number % len(drawings)]
        (below / f"{number:07}.jpg").write_bytes(_signed(jpeg, number))


def _drawing(number: int) -> bytes:
    """A JPEG, 160 by 120 pixels; every second one shows a face, in colours of its own."""
    rng = np.random.default_rng(number)
    canvas = np.full((_HEIGHT, _WIDTH, 3), rng.integers(150, 250, 3), np.uint8)
    if number % 2:
        for _ in range(12):
            _bar(canvas, rng)
    else:
        left = int(rng.integers(0, _WIDTH - _HEIGHT))
        face = cv2.resize(anime_face(), (_HEIGHT, _HEIGHT), interpolation=cv2.INTER_AREA)
        canvas[:, left : left + _HEIGHT] = face[:, :: 1 if number % 4 else -1]
    return cv2.imencode(".jpg", canvas, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()


def _bar(canvas: NDArray[np.uint8], rng: np.random.Generator) -> None:
    corners = rng.integers(0, (_WIDTH, _HEIGHT), (2, 2)).tolist()
    cv2.rectangle(canvas, corners[0], corners[1], rng.integers(0, 256, 3).tolist(), -1)


def _signed(jpeg: bytes, number: int) -> bytes:
    """The same picture in other bytes: with a comment (ITU-T T.81, B.2.4.5) after its start."""
    comment = b"%d" % number
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]
