"""The frames between a worker and its decoder processes: JSON and raw bytes, never pickles.

A frame is a length (4 bytes, big-endian) and that many bytes. A report is one frame of JSON that
names the lengths of the blobs in the next frame.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from db.records import Box, Crop, DetectedFace, Outcome
from worker.sandbox.examined import Examined, ExaminedFace

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

_LENGTH = struct.Struct(">I")

# A decoder that was taken over by hostile bytes must not make its worker allocate what it likes.
MAX_REPORT = 256 * 1024 * 1024


def frame(*parts: bytes) -> tuple[bytes, ...]:
    """The pieces to send for the parts to arrive as one frame."""
    return (_LENGTH.pack(sum(len(part) for part in parts)), *parts)


def write_frame(stream: IO[bytes], *parts: bytes) -> None:
    """Send the parts as one frame."""
    for piece in frame(*parts):
        stream.write(piece)
    stream.flush()


def read_frame(read: Callable[[int], bytes], *, limit: int | None = None) -> bytes:
    """Receive a frame by calling `read(n)`, which must return exactly n bytes or raise.

    Raises:
        ValueError: when the frame is longer than `limit` bytes.
    """
    (length,) = _LENGTH.unpack(read(_LENGTH.size))
    if limit is not None and length > limit:
        raise ValueError(f"a frame of {length} bytes is over the limit of {limit}")
    return read(length)


def pack(examined: Examined) -> tuple[bytes, bytes]:
    """A report as two frames: JSON, and the blobs that it points into."""
    blobs = [blob for face in examined.faces for blob in (face.crop.jpeg, face.pixels.tobytes())]
    blobs.append(examined.preview or b"")
    head = {
        "outcome": examined.outcome,
        "reason": examined.reason,
        "detail": examined.detail,
        "width": examined.width,
        "height": examined.height,
        "format": examined.format,
        "faces": [_face_fields(face) for face in examined.faces],
        "blobs": [len(blob) for blob in blobs],
    }
    return json.dumps(head).encode(), b"".join(blobs)


def unpack(head: bytes, body: bytes) -> Examined:
    """The report that `pack` packed.

    Raises:
        ValueError: when the frames are no report.
    """
    try:
        return _report(json.loads(head), body)
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"a decoder sent no report: {error}") from error


def _report(fields: dict[str, Any], body: bytes) -> Examined:
    *blobs, preview = _slices(body, fields["blobs"])
    pairs = zip(blobs[::2], blobs[1::2], strict=True)
    faces = tuple(
        _face(face, jpeg=jpeg, pixels=pixels)
        for face, (jpeg, pixels) in zip(fields["faces"], pairs, strict=True)
    )
    return Examined(
        outcome=Outcome(fields["outcome"]),
        reason=fields["reason"],
        detail=fields["detail"],
        width=fields["width"],
        height=fields["height"],
        format=fields["format"],
        faces=faces,
        preview=preview or None,
    )


def _face_fields(face: ExaminedFace) -> dict[str, Any]:
    return {
        "box": _corners(face.face.box),
        "detector": face.face.detector,
        "score": face.face.score,
        "inner": _corners(face.crop.inner),
        "size": face.pixels.shape[0],
    }


def _corners(box: Box) -> tuple[int, int, int, int]:
    return (box.x0, box.y0, box.x1, box.y1)


def _face(fields: dict[str, Any], *, jpeg: bytes, pixels: bytes) -> ExaminedFace:
    size = int(fields["size"])
    return ExaminedFace(
        face=DetectedFace(Box(*fields["box"]), fields["detector"], float(fields["score"])),
        crop=Crop(jpeg=jpeg, inner=Box(*fields["inner"])),
        pixels=np.frombuffer(pixels, np.uint8).reshape(size, size, 3),
    )


def _slices(body: bytes, lengths: list[int]) -> list[bytes]:
    slices, start = [], 0
    for length in lengths:
        slices.append(body[start : start + length])
        start += length
    if start != len(body):
        raise ValueError("a report's blobs are not as long as it says")
    return slices
