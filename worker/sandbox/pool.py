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

# Decoders that an image may cost: those that end by themselves, which is the image's own doing, and
# those that somebody kills, such as a kernel that is out of memory, which says little about it.
_MAX_DEATHS, _MAX_KILLS = 2, 5


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

    def _take(self) -> Decoder:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return Decoder(self.order)


def _ready(waiting: dict[Future[Examined], K]) -> Iterator[tuple[K, Examined]]:
    done, _ = wait(waiting, return_when=FIRST_COMPLETED)
    for future in done:
        yield waiting.pop(future), future.result()


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
