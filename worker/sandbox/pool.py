"""Decoder processes at work side by side, and what the death of one means."""

from __future__ import annotations

import queue
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Self, TypeVar

from db.records import Outcome
from worker.sandbox.decoder import Decoder, DecoderDiedError
from worker.sandbox.examined import Examined

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from worker.sandbox.limits import Order

K = TypeVar("K")

# What is handed over for each decoder, in images and bytes: enough to keep it busy while a batch is
# embedded, and no more than memory has room for where the files are huge.
_AHEAD, _AHEAD_BYTES = 16, 32 * 1024 * 1024

# Decoders that an image may cost: those that end by themselves, which is the image's own doing, and
# those that somebody kills, such as a kernel that is out of memory, which says little about it.
_MAX_DEATHS, _MAX_KILLS = 2, 5


class DecoderPool:
    """A number of decoder processes; started on first use or by `warm_up`, replaced when they die.

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

    def warm_up(self) -> None:
        """Begin to start every decoder, without waiting; one that fails is tried again on use."""
        for _ in range(self.decoders):
            # By the threads that stay, as a decoder ends with the one that started it.
            self._threads.submit(self._start)

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
        waiting: dict[Future[Examined], tuple[K, int]] = {}
        try:
            for key, data in items:
                future = self._threads.submit(self._examine, data, whole=whole)
                waiting[future] = key, len(data)
                while self._is_full(waiting.values()):
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

    def _is_full(self, waiting: Collection[tuple[K, int]]) -> bool:
        size = sum(size for _, size in waiting)
        return len(waiting) >= _AHEAD * self.decoders or size > _AHEAD_BYTES * self.decoders

    def _examine(self, data: bytes, *, whole: bool) -> Examined:
        decoder = self._take()
        deaths = kills = 0
        while True:
            try:
                return self._once(decoder, data, whole=whole)
            except DecoderDiedError as error:
                kills += error.from_outside
                deaths += not error.from_outside
                if deaths == _MAX_DEATHS or kills == _MAX_KILLS:
                    return Examined(Outcome.QUARANTINED, reason=error.reason, detail=error.detail)
            # Tried again on a fresh process, where nothing that came before can be to blame.
            decoder = Decoder(self.order)

    def _once(self, decoder: Decoder, data: bytes, *, whole: bool) -> Examined:
        report = decoder.examine(data, whole=whole)
        self._idle.put(decoder)
        return report

    def _start(self) -> None:
        self._idle.put(Decoder(self.order))

    def _take(self) -> Decoder:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return Decoder(self.order)


def _ready(waiting: dict[Future[Examined], tuple[K, int]]) -> Iterator[tuple[K, Examined]]:
    done, _ = wait(waiting, return_when=FIRST_COMPLETED)
    for future in done:
        key, _ = waiting.pop(future)
        yield key, future.result()


def check(order: Order) -> bool:
    """Prove in a decoder process that every detector of the order's chain finds a drawn face.

    Returns:
        Whether decoders are confined here.

    Raises:
        DetectorError: with the reason.
    """
    decoder = Decoder(order)
    decoder.close()
    return decoder.confined
