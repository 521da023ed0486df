"""The decoder process: bytes in, faces out; the only place where an archive's bytes are parsed.

Started by `worker.sandbox.decoder` with an order on its standard input. It holds no credentials,
and before the first byte of an archive reaches it, it gives up files, network and processes.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from typing import TYPE_CHECKING

from db.errors import KaolabelError
from worker.sandbox import bounds
from worker.sandbox.confine import confine, end_with_parent
from worker.sandbox.limits import Order
from worker.sandbox.wire import pack, read_frame, write_frame

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

    from worker.sandbox.examined import Examined
    from worker.vision.detect import Detectors

FIND, WHOLE = b"F", b"W"

# How the process ends when its share of memory does not suffice; no other end has this code.
OUT_OF_MEMORY = 90


def main() -> None:
    """Serve requests until standard input closes."""
    end_with_parent()
    # Meant for the worker, which finishes what it has begun; it ends its decoders by other means.
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    stdin, stdout = sys.stdin.buffer, _private_stdout()
    order = Order.from_json(read_frame(_exactly(stdin)))
    detectors = _greet(stdout, order)
    if detectors is not None:
        _serve(stdin, stdout, detectors, order)


def _greet(stdout: IO[bytes], order: Order) -> Detectors | None:
    """Load the detectors, then give up all that is not needed any more; tell how it went."""
    try:
        detectors = _prepare(order)
    except KaolabelError as error:
        write_frame(stdout, json.dumps({"error": str(error)}).encode())
        return None
    bounds.bound(order.limits.memory)
    write_frame(stdout, json.dumps({"error": None, "confined": confine()}).encode())
    return detectors


def _serve(stdin: IO[bytes], stdout: IO[bytes], detectors: Detectors, order: Order) -> None:
    with contextlib.suppress(EOFError):
        while True:
            bounds.grant_seconds(order.limits.seconds)
            try:
                request = read_frame(_exactly(stdin))
                head, body = pack(_examine(request, detectors, order))
            except MemoryError:
                # At once: to wind up in good order takes memory, too.
                os._exit(OUT_OF_MEMORY)
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
    detectors = detect.build(chain)
    _warm_up(detectors, order)
    return detectors


def _warm_up(detectors: Detectors, order: Order) -> None:
    """Go every way that an image can go, as nothing can be loaded any more once it is confined."""
    from worker.sandbox.warmup import samples

    for sample in samples():
        for mode in (FIND, WHOLE):
            pack(_examine(mode + sample, detectors, order))


def _examine(request: bytes, detectors: Detectors, order: Order) -> Examined:
    from worker.sandbox.look import look

    return look(
        request[1:],
        detectors,
        whole=request[:1] == WHOLE,
        input_size=order.input_size,
        max_pixels=order.limits.max_pixels,
    )


def _exactly(stream: IO[bytes]) -> Callable[[int], bytes]:
    def read(count: int) -> bytes:
        data = stream.read(count)
        if len(data) < count:
            raise EOFError
        return data

    return read


if __name__ == "__main__":
    main()
