"""The decoder process: bytes in, faces out; the only place where an archive's bytes are parsed.

Started by `worker.sandbox.decoder` with an order on its standard input. It holds no credentials
and opens nothing but the cascade file.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from typing import TYPE_CHECKING

from db.errors import KaolabelError, UnreadableImageError
from db.records import Box, DetectedFace, Outcome
from worker.sandbox.examined import Examined, ExaminedFace
from worker.sandbox.limits import Order
from worker.sandbox.wire import pack, read_frame, write_frame

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

    from worker.vision.decode import Decoded
    from worker.vision.detect import Detectors

# Detectors search at up to 960 pixels, and faces keep enough of theirs for a crop of 192.
_LONG_SIDE = 1600

# The parent kills at the limit; the alarm is for a child whose parent is gone.
_ALARM_GRACE = 2.0

FIND, WHOLE = b"F", b"W"


def main() -> None:
    """Serve requests until standard input closes."""
    stdin, stdout = sys.stdin.buffer, _private_stdout()
    order = Order.from_json(read_frame(_exactly(stdin)))
    try:
        detectors = _prepare(order)
    except KaolabelError as error:
        write_frame(stdout, json.dumps({"error": str(error)}).encode())
        return
    write_frame(stdout, json.dumps({"error": None}).encode())
    _limit_memory(order.limits.memory)
    while True:
        try:
            request = read_frame(_exactly(stdin))
        except EOFError:
            return
        signal.setitimer(signal.ITIMER_REAL, order.limits.seconds + _ALARM_GRACE)
        head, body = pack(_examine(request[:1], request[1:], detectors, order))
        signal.setitimer(signal.ITIMER_REAL, 0)
        write_frame(stdout, head)
        write_frame(stdout, body)


def _private_stdout() -> IO[bytes]:
    """The report channel; what libraries print to standard output must not end up in it."""
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return channel


def _prepare(order: Order) -> Detectors:
    import cv2

    from worker.vision import detect, probe
    from worker.vision.chain import Chain

    # Cascades do not scale over threads; processes do.
    cv2.setNumThreads(1)
    chain = Chain.from_json(order.chain)
    if order.probe:
        probe.check(chain)
    return detect.build(chain)


def _limit_memory(extra: int) -> None:
    with open("/proc/self/statm") as statm:  # noqa: PTH123  # a kernel file, read once
        used = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + extra, used + extra))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _examine(mode: bytes, data: bytes, detectors: Detectors, order: Order) -> Examined:
    try:
        return _look(mode, data, detectors, order)
    except UnreadableImageError as error:
        return Examined(Outcome.UNREADABLE, reason=error.reason, detail=error.detail)
    except MemoryError:
        detail = f"decoding takes more than {order.limits.memory:,} bytes"
        return Examined(Outcome.QUARANTINED, reason="decoder_memory", detail=detail)
    # Any other error of a library is this image's, not the process's.
    except Exception as error:  # noqa: BLE001
        detail = f"{type(error).__name__}: {error}"
        return Examined(Outcome.UNREADABLE, reason="damaged", detail=detail)


def _look(mode: bytes, data: bytes, detectors: Detectors, order: Order) -> Examined:
    from worker.vision.crop import preview
    from worker.vision.decode import decode, read_header

    header = read_header(data, max_pixels=order.limits.max_pixels)
    decoded = decode(data, header, long_side=_LONG_SIDE)
    faces = (_whole if mode == WHOLE else _find)(decoded, detectors, order.input_size)
    return Examined(
        outcome=Outcome.FACES if faces else Outcome.NO_FACE,
        reason=None if faces else "no_face_found",
        detail=decoded.note,
        width=decoded.width,
        height=decoded.height,
        format=header.format,
        faces=faces,
        preview=None if faces else preview(decoded.pixels),
    )


def _find(decoded: Decoded, detectors: Detectors, size: int) -> tuple[ExaminedFace, ...]:
    from worker.vision.crop import cut, face_input

    found = []
    for face in detectors.find_faces(decoded):
        crop = cut(decoded.pixels, decoded.in_pixels(face.box))
        found.append(ExaminedFace(face, crop, face_input(crop, size=size)))
    return tuple(found)


def _whole(decoded: Decoded, _detectors: Detectors, size: int) -> tuple[ExaminedFace, ...]:
    from worker.vision.crop import face_input, whole

    box = Box(0, 0, decoded.width, decoded.height)
    crop = whole(decoded.pixels)
    return (ExaminedFace(DetectedFace(box, "crop", 1.0), crop, face_input(crop, size=size)),)


def _exactly(stream: IO[bytes]) -> Callable[[int], bytes]:
    def read(count: int) -> bytes:
        data = stream.read(count)
        if len(data) < count:
            raise EOFError
        return data

    return read


if __name__ == "__main__":
    main()
