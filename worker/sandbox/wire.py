"""The frames between a worker and its decoder processes: JSON and raw bytes, never pickles.

A frame is a length (4 bytes, big-endian) and that many bytes. A report is one frame of JSON that
names the lengths of the blobs in the next frame.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from db.figures import DECODE, DETECT
from db.records import Box, Crop, DetectedFace, Outcome
from worker.sandbox import fields
from worker.sandbox.examined import Examined, ExaminedFace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import IO

    from worker.sandbox.limits import Order

_LENGTH = struct.Struct(">I")

# A decoder that was taken over by hostile bytes must not make its worker allocate what it likes,
# and JSON grows many times over when it is read.
MAX_HEAD = 1024 * 1024
MAX_BODY = 256 * 1024 * 1024

# Far more than any crowd has. As many with the largest inputs and crops fit into a body.
MAX_FACES = 500

# Far longer than any image may take.
MAX_SECONDS = 3600.0

# What `worker.vision.crop` makes of images.
_CROP_SIDE, _PREVIEW_SIDE = 192, 160


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
        "detail": examined.detail and examined.detail[: fields.MAX_DETAIL],
        "width": examined.width,
        "height": examined.height,
        "format": examined.format,
        "faces": [_face_fields(face) for face in examined.faces],
        "blobs": [len(blob) for blob in blobs],
        "seconds": dict(examined.seconds),
    }
    return json.dumps(head).encode(), b"".join(blobs)


def unpack(head: bytes, body: bytes, order: Order) -> Examined:
    """The report that `pack` packed; its sender is not trusted.

    Args:
        head: the first frame.
        body: the second frame.
        order: what the decoder was told: it bounds the image and fixes the faces' input size.

    Raises:
        ValueError: when the frames are no report, or one that could do harm: of faces outside of
            their image, of numbers or texts that cannot be stored, of pixels of another size.
    """
    try:
        return _report(json.loads(head), body, order)
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"a decoder sent no report: {error}") from error


def _report(head: Mapping[str, Any], body: bytes, order: Order) -> Examined:
    *blobs, preview = _slices(body, head["blobs"])
    outcome, size = Outcome(head["outcome"]), _size(head, order)
    faces = _faces(head["faces"], blobs, size, order)
    if (outcome == Outcome.FACES) != bool(faces) or outcome == Outcome.QUARANTINED:
        raise ValueError(f"{len(faces)} faces are not {outcome}")
    if preview:
        fields.jpeg_size(preview, most=_PREVIEW_SIDE)
    width, height = size or (None, None)
    return Examined(
        outcome=outcome,
        reason=None if faces else fields.word(head["reason"], fields.REASON),
        detail=fields.detail(head["detail"]),
        width=width,
        height=height,
        format=None if size is None else fields.word(head["format"], fields.FORMAT),
        faces=faces,
        preview=preview or None,
        seconds=_seconds(head["seconds"]),
    )


def _size(head: Mapping[str, Any], order: Order) -> tuple[int, int] | None:
    """Width and height in pixels of an image that could be read."""
    if head["width"] is None and head["height"] is None:
        return None
    width = fields.count(head["width"])
    return width, fields.count(head["height"], most=max(order.limits.max_pixels // width, 1))


def _seconds(found: Mapping[str, Any]) -> dict[str, float]:
    """How long the steps took; none of them can be longer than a decoder may live."""
    return {
        step: fields.seconds(found[step], most=MAX_SECONDS)
        for step in (DECODE, DETECT)
        if step in dict(found)
    }


def _faces(
    found: list[Mapping[str, Any]], blobs: list[bytes], size: tuple[int, int] | None, order: Order
) -> tuple[ExaminedFace, ...]:
    if len(found) > MAX_FACES or (found and size is None):
        raise ValueError(f"{len(found)} faces are too many for an image of {size} pixels")
    pairs = zip(blobs[::2], blobs[1::2], strict=True)
    return tuple(
        _face(face, size or (0, 0), order, jpeg=jpeg, pixels=pixels)
        for face, (jpeg, pixels) in zip(found, pairs, strict=True)
    )


def _face_fields(face: ExaminedFace) -> dict[str, Any]:
    return {
        "box": _corners(face.face.box),
        "detector": face.face.detector,
        "score": face.face.score,
        "inner": _corners(face.crop.inner),
    }


def _corners(box: Box) -> tuple[int, int, int, int]:
    return (box.x0, box.y0, box.x1, box.y1)


def _face(
    face: Mapping[str, Any], size: tuple[int, int], order: Order, *, jpeg: bytes, pixels: bytes
) -> ExaminedFace:
    width, height = fields.jpeg_size(jpeg, most=_CROP_SIDE)
    inner = fields.box(face["inner"], width=width, height=height)
    box = fields.box(face["box"], width=size[0], height=size[1])
    name, score = fields.word(face["detector"], fields.NAME), fields.score(face["score"])
    square = np.frombuffer(pixels, np.uint8).reshape(order.input_size, order.input_size, 3)
    return ExaminedFace(DetectedFace(box, name, score), Crop(jpeg=jpeg, inner=inner), square)


def _slices(body: bytes, lengths: list[int]) -> list[bytes]:
    slices, start = [], 0
    for length in lengths:
        end = start + fields.count(length, least=0)
        slices.append(body[start:end])
        start = end
    if start != len(body):
        raise ValueError("a report's blobs are not as long as it says")
    return slices
