"""The pool: decoders side by side, and what the death of one means."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import threading
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]  # ships no types
import pytest

from db.errors import DetectorError
from db.records import Outcome
from tests.drawing import busy_webp, face_png, plain_png
from worker.sandbox.limits import Limits, Order
from worker.sandbox.pool import DecoderPool
from worker.vision.chain import Chain, Step

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def decoders() -> list[psutil.Process]:
    """The decoder processes of this test process."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if "worker.sandbox.child" in " ".join(child.cmdline()):
                found.append(child)
    return found


@pytest.fixture
def own_pool(order: Order) -> Iterator[DecoderPool]:
    """A pool of one's own, whose decoders may be killed."""
    limits = dataclasses.replace(order, limits=Limits(seconds=4.0))
    with DecoderPool(limits, decoders=2) as pool:
        yield pool


def test_every_image_comes_back_once(pool: DecoderPool) -> None:
    """Each key comes back with its own report, whatever the order."""
    images = {number: (face_png if number % 3 == 0 else plain_png)(number) for number in range(50)}
    found = list(pool.examine(images.items()))
    assert sorted(key for key, _ in found) == list(range(50))
    assert {key for key, report in found if report.outcome == Outcome.FACES} == set(range(0, 50, 3))


def test_nothing_to_do_starts_nothing(order: Order) -> None:
    """A pool that is given no images starts no process."""
    before = decoders()
    with DecoderPool(order, decoders=2) as pool:
        assert list(pool.examine([])) == []
        assert decoders() == before


def test_decoders_can_be_started_ahead(order: Order) -> None:
    """A warm pool has a process for each decoder, and starts no other for its images."""
    before = len(decoders())
    with DecoderPool(order, decoders=2) as pool:
        pool.warm_up()
        list(pool.examine([(0, plain_png())]))
        started = {one.pid for one in decoders()}
        assert len(started) == before + 2
        list(pool.examine([(number, plain_png(number)) for number in range(8)]))
        assert {one.pid for one in decoders()} == started


def test_decoders_that_do_not_start_ahead_are_told_on_use(tmp_path: Path) -> None:
    """Warming up raises nothing; the first image meets the error."""
    missing = Step("gone", "0" * 64, 400, 3, 1.1, tmp_path / "gone.xml")
    with DecoderPool(Order(Chain((missing,)).to_json(), Limits()), decoders=1) as pool:
        pool.warm_up()
        with pytest.raises(DetectorError):
            list(pool.examine([(0, plain_png())]))


def test_only_so_many_images_are_taken_ahead(pool: DecoderPool) -> None:
    """The images are taken from their source as decoders get free, so memory is flat."""
    taken = 0
    most = 0

    def source() -> Iterator[tuple[int, bytes]]:
        nonlocal taken
        for number in range(150):
            taken += 1
            yield number, plain_png()

    for done, _ in enumerate(pool.examine(source()), start=1):
        most = max(most, taken - done)
    assert taken == 150
    assert most < 16 * pool.decoders


def test_huge_images_are_not_taken_ahead(pool: DecoderPool) -> None:
    """Of huge files, only so many are handed over as memory has room for."""
    taken = 0

    def images() -> Iterator[tuple[int, bytes]]:
        nonlocal taken
        for taken in range(1, 7):  # counts what was asked for
            yield taken, bytes(40 * 1024 * 1024)

    for finished, _ in enumerate(pool.examine(images())):
        assert taken - finished <= 2


def test_a_caller_that_gives_up_leaves_a_working_pool(pool: DecoderPool) -> None:
    """What has not begun is dropped, and the next job finds the decoders ready."""
    images = pool.examine((number, plain_png()) for number in range(100))
    next(images)
    images.close()  # type: ignore[attr-defined]  # it is a generator
    assert [key for key, _ in pool.examine([("next", plain_png())])] == ["next"]


def test_decoders_are_used_again(own_pool: DecoderPool) -> None:
    """Processes outlive a call: starting one costs more than many images."""
    before = {process.pid for process in decoders()}
    list(own_pool.examine([(number, plain_png()) for number in range(8)]))
    first = {process.pid for process in decoders()} - before
    list(own_pool.examine([(number, plain_png()) for number in range(8)]))
    assert {process.pid for process in decoders()} - before == first
    assert 1 <= len(first) <= 2


def test_an_image_is_tried_again_on_a_fresh_decoder(own_pool: DecoderPool) -> None:
    """An image whose decoder was dead is examined by the next one, and nothing is lost."""
    before = {process.pid for process in decoders()}
    list(own_pool.examine([(0, plain_png())]))
    (process,) = [process for process in decoders() if process.pid not in before]
    process.kill()
    ((_, report),) = own_pool.examine([(0, face_png())])
    assert report.outcome == Outcome.FACES


def strike(known: set[int], death: signal.Signals, over: threading.Event) -> None:
    """Send a signal to every new decoder as soon as it has started, until it is over."""
    while not over.wait(0.01):
        for process in decoders():
            # A decoder is granted seconds when it has greeted and is ready for an image.
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.pid not in known and process.rlimit(psutil.RLIMIT_CPU)[0] > 0:
                    process.send_signal(death)
                    known.add(process.pid)


@pytest.mark.parametrize(
    ("death", "decoders_lost", "reason", "said"),
    [
        (signal.SIGSEGV, 2, "decoder_crashed", "SIGSEGV"),
        (signal.SIGSTOP, 2, "decoder_timeout", "longer than 4 s"),
        (signal.SIGKILL, 5, "decoder_crashed", "SIGKILL"),
    ],
)
def test_an_image_that_ends_its_decoders_is_quarantined(
    own_pool: DecoderPool, death: signal.Signals, decoders_lost: int, reason: str, said: str
) -> None:
    """After two tries, or five where decoders are killed, an image is set aside with the reason."""
    known, over = {process.pid for process in decoders()}, threading.Event()
    before = len(known)
    striker = threading.Thread(target=strike, args=(known, death, over))
    striker.start()
    ((_, report),) = own_pool.examine([(0, busy_webp())])
    over.set()
    striker.join()
    assert (report.outcome, report.reason) == (Outcome.QUARANTINED, reason)
    assert said in str(report.detail)
    assert len(known) == before + decoders_lost
    ((_, report),) = own_pool.examine([(0, plain_png())])
    assert report.outcome == Outcome.NO_FACE


def test_other_images_go_on_while_one_hangs(own_pool: DecoderPool) -> None:
    """A decoder that hangs costs its own image its time, and the other images nothing."""
    before = {process.pid for process in decoders()}
    list(own_pool.examine([(0, busy_webp()), (1, busy_webp())]))
    hanging, *_ = (process for process in decoders() if process.pid not in before)
    hanging.suspend()
    found = dict(own_pool.examine((number, face_png(number)) for number in range(40)))
    assert [report.outcome for report in found.values()] == [Outcome.FACES] * 40


def test_no_process_is_left_after_close(order: Order) -> None:
    """Closing a pool ends all of its processes."""
    before = decoders()
    with DecoderPool(order, decoders=2) as pool:
        list(pool.examine([(number, plain_png()) for number in range(4)]))
        assert len(decoders()) > len(before)
    assert decoders() == before


def test_a_chain_that_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    """A pool whose decoders cannot start raises instead of quarantining every image."""
    missing = Step("gone", "0" * 64, 400, 3, 1.1, tmp_path / "gone.xml")
    order = Order(Chain((missing,)).to_json(), Limits())
    with DecoderPool(order, decoders=1) as pool, pytest.raises(DetectorError):
        list(pool.examine([(0, plain_png())]))
