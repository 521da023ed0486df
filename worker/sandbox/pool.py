"""Decoder processes at work side by side, and what the death of one means."""

from __future__ import annotations

import queue
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Self, TypeVar

from db.records import Outcome
from worker.sandbox.decoder import Decoder, DecoderDiedError
from worker.sandbox.examined import Examined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from worker.sandbox.limits import Order

K = TypeVar("K")

# Images handed over for each decoder: enough to keep it busy while a batch is embedded.
_AHEAD = 16

# An image whose decoder dies is tried once more, on a fresh process.
_TRIES = 2


class DecoderPool:
    """A number of decoder processes; started on first use, replaced when they die.

    Args:
        order: what the processes are to do.
        decoders: how many.
    """

    def __init__(self, order: Order, *, decoders: int) -> None:
        self.order = order
        self.decoders = decoders
        self._threads = ThreadPoolExecutor(decoders, thread_name_prefix="decoder")
        self._idle: queue.SimpleQueue[Decoder] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def examine(
        self, items: Iterable[tuple[K, bytes]], *, whole: bool = False
    ) -> Iterator[tuple[K, Examined]]:
        """Examine (key, bytes) pairs; (key, report) pairs come back as they are ready.

        Takes only as many items ahead as keep the decoders busy, so memory is flat.

        Args:
            items: keys and the bytes of image files.
            whole: take each image itself for a face.

        Raises:
            DetectorError: when no decoder process can be started.
        """
        waiting: dict[Future[Examined], K] = {}
        try:
            for key, data in items:
                waiting[self._threads.submit(self._examine, data, whole=whole)] = key
                while len(waiting) >= _AHEAD * self.decoders:
                    yield from _ready(waiting)
            while waiting:
                yield from _ready(waiting)
        finally:
            # Reached early when the caller gives up: what has not begun need not begin.
            for future in waiting:
                future.cancel()

    def close(self) -> None:
        """End all processes."""
        self._threads.shutdown(cancel_futures=True)
        while not self._idle.empty():
            self._idle.get().close()

    def _examine(self, data: bytes, *, whole: bool) -> Examined:
        last: Examined | None = None
        for _ in range(_TRIES):
            decoder = self._take()
            try:
                last = decoder.examine(data, whole=whole)
            except DecoderDiedError as error:
                last = Examined(Outcome.QUARANTINED, reason=error.reason, detail=error.detail)
                continue
            if last.outcome != Outcome.QUARANTINED:
                self._idle.put(decoder)
                return last
            # It ran out of memory: the next try gets a process without a history.
            decoder.close()
        assert last is not None  # noqa: S101  # there is at least one try
        return last

    def _take(self) -> Decoder:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return Decoder(self.order)


def _ready(waiting: dict[Future[Examined], K]) -> Iterator[tuple[K, Examined]]:
    done, _ = wait(waiting, return_when=FIRST_COMPLETED)
    for future in done:
        yield waiting.pop(future), future.result()


def check(order: Order) -> None:
    """Prove in a decoder process that every detector of the order's chain finds a drawn face.

    Raises:
        DetectorError: with the reason.
    """
    Decoder(order).close()
