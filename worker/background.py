"""Work that goes on in a thread while something else is done."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Background(Generic[T]):
    """A piece of work in a thread of its own, begun at once.

    The thread is a daemon, as nobody waits for a model when the worker is to stop.

    Args:
        work: what to do; any error is kept for the one who asks.
        name: of the thread.
    """

    def __init__(self, work: Callable[[], T], *, name: str) -> None:
        self._work = work
        self._future: Future[T] = Future()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    @property
    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return self._future.done()

    def error(self) -> BaseException | None:
        """Wait for the end; what went wrong, if anything."""
        return self._future.exception()

    def result(self) -> T:
        """Wait for the end; what came of it, or its error raised."""
        return self._future.result()

    def _run(self) -> None:
        try:
            result = self._work()
        except BaseException as error:  # noqa: BLE001  # it is judged by the one who asks
            self._future.set_exception(error)
        else:
            self._future.set_result(result)
