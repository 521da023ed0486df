"""A bare loop: some processes, each of which reads files and labels them; nothing in between."""

from __future__ import annotations

import time
from itertools import chain
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Protocol

from bench.peers.result import Found, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.peers.order import Order

# Files that a process takes at a time.
_SHARE = 8


class Labeller(Protocol):
    """All stages from bytes to labels, in one process."""

    def warm_up(self) -> None:
        """Do everything that only the first image takes."""

    def add(self, path: str, data: bytes) -> None:
        """Take an image's bytes."""

    def finish(self) -> list[Found]:
        """The faces of all images since the last time."""


def run(order: Order, make: Callable[[Order], Labeller]) -> Result:
    """Label the order's images in as many processes as it says.

    Args:
        order: the work.
        make: a function of a module, called in each process.

    Returns:
        Faces, and the seconds from the first image to the last one, when all processes are warm.
    """
    context, paths = get_context("spawn"), order.paths()
    counter, ready = context.Value("q", 0), context.Barrier(order.processes)
    results = context.SimpleQueue()
    workers = [
        context.Process(target=_work, args=(order, make, paths, counter, ready, results))
        for _ in range(order.processes)
    ]
    for worker in workers:
        worker.start()
    parts = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    starts, ends, faces = zip(*parts, strict=True)
    return Result(len(paths), max(ends) - min(starts), tuple(chain.from_iterable(faces)))


def _work(
    order: Order,
    make: Callable[[Order], Labeller],
    paths: Sequence[str],
    counter: Any,
    ready: Any,
    results: Any,
) -> None:
    labeller = make(order)
    labeller.warm_up()
    ready.wait()
    started = time.monotonic()
    while (first := _next_share(counter)) < len(paths):
        for path in paths[first : first + _SHARE]:
            labeller.add(path, (order.archive / path).read_bytes())
    faces = labeller.finish()
    results.put((started, time.monotonic(), faces))


def _next_share(counter: Any) -> int:
    with counter.get_lock():
        first: int = counter.value
        counter.value += _SHARE
    return first
