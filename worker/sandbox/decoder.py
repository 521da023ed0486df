"""One decoder process and the conversation with it."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from db.errors import DetectorError, KaolabelError
from worker.sandbox import wire
from worker.sandbox.child import FIND, OUT_OF_MEMORY, WHOLE

if TYPE_CHECKING:
    from typing import IO

    from worker.sandbox.examined import Examined
    from worker.sandbox.limits import Order

# Loading OpenCV and animeface takes half a second; a busy machine may take far longer.
_START_SECONDS = 60.0


class DecoderDiedError(KaolabelError):
    """Raised when a decoder process ends, hangs or talks nonsense while it has an image.

    Args:
        reason: `decoder_crashed`, `decoder_timeout` or `decoder_memory`.
        detail: one line for people.
        from_outside: whether SIGKILL ended it, which no decoder sends itself.
    """

    def __init__(self, reason: str, detail: str, *, from_outside: bool = False) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.from_outside = from_outside


class Decoder:
    """A decoder process; used by one thread at a time.

    It ends with the thread that makes it, as the kernel sees to it that no decoder outlives its
    worker.

    Attributes:
        confined: whether it can reach no file, no network and no other process. False where the
            kernel has no seccomp filters; memory and time are limited all the same.

    Raises:
        DetectorError: when the chain cannot be loaded, or a detector finds no drawn face.
    """

    def __init__(self, order: Order) -> None:
        self._order = order
        self._process = _start(order)
        self._readable = _selector(self._process.stdout, selectors.EVENT_READ)
        self._writable = _selector(self._process.stdin, selectors.EVENT_WRITE)
        self.confined = self._greet()

    def examine(self, data: bytes, *, whole: bool = False) -> Examined:
        """Decode the bytes and find their faces; `whole` takes the image itself for a face.

        Raises:
            DecoderDiedError: when the process dies, or takes longer than its limit; it is then
                gone and cannot be used again.
        """
        try:
            return self._converse(WHOLE if whole else FIND, data)
        except TimeoutError as error:
            self.kill()
            raise DecoderDiedError(*self._timeout()) from error
        except (OSError, EOFError) as error:
            self.kill()
            killed = self._process.returncode == -signal.SIGKILL
            raise DecoderDiedError(*self._epitaph(), from_outside=killed) from error
        except ValueError as error:
            self.kill()
            raise DecoderDiedError("decoder_crashed", str(error)) from error

    def close(self) -> None:
        """Let the process end."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self.kill()

    def kill(self) -> None:
        """End the process at once and free its pipes."""
        self._process.kill()
        self._process.wait()
        self._readable.close()
        self._writable.close()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def _converse(self, mode: bytes, data: bytes) -> Examined:
        deadline = time.monotonic() + self._order.limits.seconds
        self._send(deadline, mode, data)
        head = wire.read_frame(self._reader(deadline), limit=wire.MAX_HEAD)
        body = wire.read_frame(self._reader(deadline), limit=wire.MAX_BODY)
        return wire.unpack(head, body, self._order)

    def _greet(self) -> bool:
        """Tell the order; whether the process is confined."""
        deadline = time.monotonic() + _START_SECONDS
        try:
            self._send(deadline, self._order.to_json())
            greeting = json.loads(wire.read_frame(self._reader(deadline), limit=wire.MAX_HEAD))
        except (OSError, EOFError, ValueError) as problem:
            self.kill()
            _, detail = self._epitaph()
            raise DetectorError(f"a decoder process does not start: {detail}") from problem
        if greeting["error"] is not None:
            self.kill()
            raise DetectorError(greeting["error"])
        return bool(greeting["confined"])

    def _send(self, deadline: float, *parts: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101  # it is a pipe
        for piece in wire.frame(*parts):
            rest = memoryview(piece)
            while rest:
                # A process that hangs does not read either.
                if not self._writable.select(max(0.0, deadline - time.monotonic())):
                    raise TimeoutError
                rest = rest[os.write(self._process.stdin.fileno(), rest) :]

    def _reader(self, deadline: float) -> _Reader:
        return _Reader(self._process, self._readable, deadline)

    def _timeout(self) -> tuple[str, str]:
        return "decoder_timeout", f"decoding takes longer than {self._order.limits.seconds:g} s"

    def _epitaph(self) -> tuple[str, str]:
        """Reason and detail of how the process ended by itself."""
        code = self._process.returncode
        if code == OUT_OF_MEMORY:
            detail = f"decoding takes more than {self._order.limits.memory:,} bytes"
            return "decoder_memory", detail
        if code == -signal.SIGXCPU:
            return self._timeout()
        if code is not None and code < 0:
            return "decoder_crashed", f"the decoder was killed by {_signal_name(-code)}"
        return "decoder_crashed", f"the decoder ended with exit code {code}"


class _Reader:
    """Reads an exact number of bytes before a deadline."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        selector: selectors.BaseSelector,
        deadline: float,
    ) -> None:
        self._process = process
        self._selector = selector
        self._deadline = deadline

    def __call__(self, count: int) -> bytes:
        assert self._process.stdout is not None  # noqa: S101  # it is a pipe
        received = bytearray()
        while len(received) < count:
            if not self._selector.select(max(0.0, self._deadline - time.monotonic())):
                raise TimeoutError
            part = os.read(self._process.stdout.fileno(), min(count - len(received), 1 << 20))
            if not part:
                # A moment for the exit code; one that lives on without its pipe is killed.
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(5)
                raise EOFError
            received += part
        return bytes(received)


def _signal_name(number: int) -> str:
    # Those for real time have numbers alone.
    return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"


def _start(order: Order) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "worker.sandbox.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Codecs print a line for every broken image; the reason comes in the report.
            stderr=subprocess.DEVNULL,
            env=_environment(order),
            bufsize=0,
        )
    except OSError as error:
        raise DetectorError(f"a decoder process cannot be started: {error}") from error


def _selector(pipe: IO[bytes] | None, events: int) -> selectors.BaseSelector:
    """Waits for a pipe, which is set not to block."""
    assert pipe is not None  # noqa: S101  # asked for when the process was started
    os.set_blocking(pipe.fileno(), False)
    selector = selectors.DefaultSelector()
    selector.register(pipe, events)
    return selector


def _environment(order: Order) -> dict[str, str]:
    """What a decoder may know of its surroundings: where Python is, and no credentials."""
    keep = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "TMPDIR")
    return {
        **{name: os.environ[name] for name in keep if name in os.environ},
        "LANG": "C.UTF-8",
        # OpenCV reads this when it is imported; the header check refuses larger images before.
        "OPENCV_IO_MAX_IMAGE_PIXELS": str(order.limits.max_pixels),
        "OPENCV_LOG_LEVEL": "SILENT",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
