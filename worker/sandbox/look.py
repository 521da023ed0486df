"""Everything that is done with the bytes of one image: decode, detect, crop."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from db.errors import UnreadableImageError
from db.figures import DECODE, DETECT
from db.records import Box, DetectedFace, Outcome
from worker.sandbox.examined import Examined, ExaminedFace
from worker.sandbox.wire import MAX_FACES
from worker.stopwatch import Stopwatch
from worker.vision import crop as crops
from worker.vision.decode import decode, is_out_of_memory, read_header

if TYPE_CHECKING:
    from collections.abc import Sequence

    from worker.vision.decode import Decoded, Header
    from worker.vision.detect import Detectors


def look(
    data: bytes,
    detectors: Detectors,
    *,
    whole: bool = False,
    input_size: int = 96,
    max_pixels: int,
) -> Examined:
    """Decode an image and find its faces.

    Args:
        data: the whole file.
        detectors: a chain that is loaded.
        whole: whether to take the image itself for a face.
        input_size: sides in pixels of the classifier's input.
        max_pixels: the largest width x height that is decoded.

    Returns:
        Its one outcome; a file that cannot be read is one, too.

    Raises:
        MemoryError: the pixels do not fit into memory.
    """
    try:
        watch = Stopwatch()
        header = read_header(data, max_pixels=max_pixels)
        if whole:
            decoded, faces = _whole(data, header, input_size)
            watch.lap(DECODE)
        else:
            decoded, faces = _find(data, header, detectors, input_size, watch)
        return _report(header, decoded, faces, watch)
    except UnreadableImageError as error:
        return Examined(Outcome.UNREADABLE, reason=error.reason, detail=error.detail)
    # Any other error of a library is this image's, not the process's.
    except Exception as error:
        if is_out_of_memory(error):
            raise MemoryError from error
        detail = f"{type(error).__name__}: {error}"
        return Examined(Outcome.UNREADABLE, reason="damaged", detail=detail)


def _report(
    header: Header, decoded: Decoded, faces: tuple[ExaminedFace, ...], watch: Stopwatch
) -> Examined:
    return Examined(
        outcome=Outcome.FACES if faces else Outcome.NO_FACE,
        reason=None if faces else "no_face_found",
        detail=decoded.note,
        width=decoded.width,
        height=decoded.height,
        format=header.format,
        faces=faces,
        preview=None if faces else crops.preview(decoded.pixels),
        seconds=watch.seconds,
    )


def _find(
    data: bytes, header: Header, detectors: Detectors, size: int, watch: Stopwatch
) -> tuple[Decoded, tuple[ExaminedFace, ...]]:
    decoded = decode(data, header, long_side=detectors.chain.long_side)
    watch.lap(DECODE)
    # Largest first: what is beyond the bound are specks in a pattern, if anything at all.
    faces = detectors.find_faces(decoded)[:MAX_FACES]
    watch.lap(DETECT)
    long_side = _needed(decoded, faces)
    # An image at its full size has what it needs; few others are decoded twice.
    if long_side > max(decoded.pixels.shape[:2]):
        decoded = decode(data, header, long_side=long_side)
        watch.lap(DECODE)
    examined = (_cut(decoded, face, size) for face in faces)
    return decoded, tuple(examined)


def _needed(decoded: Decoded, faces: Sequence[DetectedFace]) -> int:
    """The long side that an image needs for the crop of its smallest face."""
    smallest = min((max(face.box.width, face.box.height) for face in faces), default=0)
    if not smallest:
        return 0
    return math.ceil(max(decoded.width, decoded.height) * min(crops.FACE_SIDE / smallest, 1))


def _cut(decoded: Decoded, face: DetectedFace, size: int) -> ExaminedFace:
    crop = crops.cut(decoded.pixels, decoded.in_pixels(face.box))
    return ExaminedFace(face, crop, crops.face_input(crop, size=size))


def _whole(data: bytes, header: Header, size: int) -> tuple[Decoded, tuple[ExaminedFace, ...]]:
    decoded = decode(data, header, long_side=crops.LONG_SIDE)
    crop = crops.whole(decoded.pixels)
    face = DetectedFace(Box(0, 0, decoded.width, decoded.height), "crop", 1.0)
    return decoded, (ExaminedFace(face, crop, crops.face_input(crop, size=size)),)
