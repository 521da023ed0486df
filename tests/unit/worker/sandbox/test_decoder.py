"""Decoder processes: what they report, what they may use, and how they end."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import psutil  # type: ignore[import-untyped]  # ships no types
import pytest

from db.errors import DetectorError
from db.records import Outcome
from tests.drawing import face_png, plain_png, png
from worker.sandbox.decoder import Decoder, DecoderDiedError
from worker.sandbox.limits import Limits, Order
from worker.sandbox.pool import check
from worker.vision.chain import Chain, Step, default_chain, find_cascade

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[4]

FRUGAL = Limits(memory=64 * 1024 * 1024, seconds=20.0)

by_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root may look into a process that is not dumpable"
)

# A process that starts a decoder, says which, and waits to be killed.
OWNER = """
import time
from worker.sandbox.decoder import Decoder
from worker.sandbox.limits import Limits, Order
from worker.vision.chain import default_chain
decoder = Decoder(Order(default_chain(None).to_json(), Limits()))
print(decoder.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def decoder(order: Order) -> Iterator[Decoder]:
    """A decoder of one's own, to be killed."""
    decoder = Decoder(order)
    yield decoder
    decoder.close()


def test_a_face_is_found_and_cut(decoder: Decoder) -> None:
    """A drawn face comes back with box, crop and the classifier's input."""
    report = decoder.examine(face_png())
    assert (report.outcome, report.reason, report.preview) == (Outcome.FACES, None, None)
    assert (report.width, report.height, report.format) == (400, 400, "PNG")
    (face,) = report.faces
    assert face.face.detector == "animeface"
    assert face.pixels.shape == (96, 96, 3)
    assert cv2.imdecode(np.frombuffer(face.crop.jpeg, np.uint8), cv2.IMREAD_COLOR) is not None


def test_an_image_without_a_face_has_a_preview(decoder: Decoder) -> None:
    """What has no face comes back with a reason and a small picture."""
    report = decoder.examine(plain_png())
    assert (report.outcome, report.reason) == (Outcome.NO_FACE, "no_face_found")
    assert report.preview is not None


def test_a_whole_image_can_be_taken_for_a_face(decoder: Decoder) -> None:
    """Ready-made crops are not searched."""
    (face,) = decoder.examine(plain_png(), whole=True).faces
    assert (face.face.box.width, face.face.box.height) == (60, 40)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"<html>not found</html>", "not_an_image"),
        (plain_png()[:60], "truncated"),
        (b"%PDF-1.7", "unsupported"),
    ],
)
def test_bytes_that_are_no_image_are_unreadable(decoder: Decoder, data: bytes, reason: str) -> None:
    """Empty, foreign and cut files come back with their reason, and the decoder goes on."""
    report = decoder.examine(data)
    assert (report.outcome, report.reason) == (Outcome.UNREADABLE, reason)
    assert decoder.examine(plain_png()).outcome == Outcome.NO_FACE


def test_too_many_pixels_are_refused(order: Order) -> None:
    """An image over the limit of pixels is refused by its header."""
    small = Decoder(dataclasses.replace(order, limits=Limits(max_pixels=2399)))
    report = small.examine(plain_png())
    small.close()
    assert (report.outcome, report.reason) == (Outcome.UNREADABLE, "too_many_pixels")


def test_memory_is_limited(order: Order) -> None:
    """An image that takes more than its share of memory ends its decoder, which says why."""
    decoder = Decoder(dataclasses.replace(order, limits=FRUGAL))
    with pytest.raises(DecoderDiedError, match="more than 67,108,864 bytes") as caught:
        decoder.examine(png(np.zeros((6000, 6000, 3), np.uint8)))
    assert caught.value.reason == "decoder_memory"


def test_a_file_that_does_not_fit_into_memory_is_told(order: Order) -> None:
    """Bytes that a decoder cannot even receive are a matter of memory, too."""
    decoder = Decoder(dataclasses.replace(order, limits=FRUGAL))
    with pytest.raises(DecoderDiedError) as caught:
        decoder.examine(bytes(100_000_000))
    assert caught.value.reason == "decoder_memory"


@contextlib.contextmanager
def _dying(decoder: Decoder, death: int) -> Iterator[None]:
    """Let a decoder die of a signal while the next image is examined, however fast it is."""
    # Held still, it takes nothing before the signal; the signal then is what it wakes up to.
    os.kill(decoder.pid, signal.SIGSTOP)

    def strike() -> None:
        os.kill(decoder.pid, death)
        os.kill(decoder.pid, signal.SIGCONT)

    strike_soon = threading.Timer(0.2, strike)
    strike_soon.start()
    yield
    strike_soon.join()


def test_a_decoder_that_computed_too_long_timed_out(decoder: Decoder) -> None:
    """The kernel's signal for too many seconds of computing has the meaning of the clock's."""
    with (
        _dying(decoder, signal.SIGXCPU),
        pytest.raises(DecoderDiedError, match="longer than 20 s") as caught,
    ):
        decoder.examine(plain_png())
    assert caught.value.reason == "decoder_timeout"


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGSEGV, signal.SIGRTMIN + 5])
def test_a_decoder_that_dies_names_the_signal(decoder: Decoder, death: int) -> None:
    """A crash while an image is decoded is told with the signal, and ends that decoder."""
    name = death.name if isinstance(death, signal.Signals) else f"signal {death}"
    with (
        _dying(decoder, death),
        pytest.raises(DecoderDiedError, match=f"killed by {name}") as caught,
    ):
        decoder.examine(plain_png())
    assert caught.value.reason == "decoder_crashed"


def test_a_decoder_leaves_the_end_to_its_worker(decoder: Decoder) -> None:
    """Ctrl-C and a supervisor's stop reach decoders too, and must not cost images their tries."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(decoder.pid, number)
    assert decoder.examine(plain_png()).outcome == Outcome.NO_FACE


def test_a_decoder_that_died_before_is_found_out(decoder: Decoder) -> None:
    """A decoder that was killed while idle fails at its next image, not for ever."""
    os.kill(decoder.pid, signal.SIGKILL)
    with pytest.raises(DecoderDiedError, match="SIGKILL"):
        decoder.examine(plain_png())


@pytest.mark.parametrize("data", [plain_png(), bytes(8_000_000)], ids=["small", "large"])
def test_a_decoder_that_hangs_is_killed(order: Order, data: bytes) -> None:
    """A decoder that neither reads nor answers is killed at the time limit."""
    decoder = Decoder(dataclasses.replace(order, limits=Limits(seconds=0.5)))
    os.kill(decoder.pid, signal.SIGSTOP)
    with pytest.raises(DecoderDiedError, match=r"longer than 0\.5 s") as caught:
        decoder.examine(data)
    assert caught.value.reason == "decoder_timeout"
    assert not psutil.pid_exists(decoder.pid)


@pytest.mark.parametrize("state", ["idle", "stopped"])
def test_a_decoder_does_not_outlive_its_worker(state: str) -> None:
    """When a worker is killed without warning, its decoders end, whatever they are at."""
    arguments = [sys.executable, "-c", OWNER]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=ROOT) as owner:
        assert owner.stdout is not None
        decoder = psutil.Process(int(owner.stdout.readline()))
        if state == "stopped":
            decoder.suspend()
        owner.kill()
    decoder.wait(timeout=30)
    assert not decoder.is_running()


def test_no_process_is_left_after_close(order: Order) -> None:
    """A closed decoder is gone, and closing it again is no error."""
    decoder = Decoder(order)
    decoder.close()
    assert not psutil.pid_exists(decoder.pid)
    decoder.close()


@by_root
def test_a_decoder_knows_no_credentials(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that the worker knows of servers and people is in a decoder's environment."""
    monkeypatch.setenv("KAOLABEL_DATABASE_URL", "postgresql://kao:hush@db/kao")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("HOME", "/home/hush")
    decoder = Decoder(order)
    environment = psutil.Process(decoder.pid).environ()
    arguments = psutil.Process(decoder.pid).cmdline()
    decoder.close()
    assert not any("hush" in value for value in environment.values())
    assert not any(name.startswith("KAOLABEL_") for name in environment)
    assert not any("hush" in argument for argument in arguments)


def test_a_decoder_has_its_limits(order: Order) -> None:
    """The process may not grow beyond its share, leaves no core files, and writes none at all."""
    decoder = Decoder(dataclasses.replace(order, limits=Limits(memory=2**28, seconds=7.0)))
    decoder.examine(plain_png())
    process = psutil.Process(decoder.pid)
    space, used = process.rlimit(psutil.RLIMIT_AS), process.memory_info().vms
    seconds, _ = process.rlimit(psutil.RLIMIT_CPU)
    others = (psutil.RLIMIT_CORE, psutil.RLIMIT_FSIZE, psutil.RLIMIT_NOFILE)
    bounds = [process.rlimit(one) for one in others]
    decoder.close()
    assert 0 < space[0] <= used + 2**28
    assert space[0] == space[1]
    assert 7 <= seconds <= 9
    assert bounds == [(0, 0), (0, 0), (16, 16)]


@by_root
def test_the_limit_on_pixels_reaches_opencv(order: Order) -> None:
    """OpenCV reads its own limit from the environment when it is imported."""
    decoder = Decoder(dataclasses.replace(order, limits=Limits(max_pixels=12345)))
    environment = psutil.Process(decoder.pid).environ()
    decoder.close()
    assert environment["OPENCV_IO_MAX_IMAGE_PIXELS"] == "12345"


@by_root
def test_a_decoder_holds_no_files_of_its_worker(order: Order, tmp_path: Path) -> None:
    """Open files of the worker are not handed down."""
    with (tmp_path / "ledger").open("w") as ledger:
        decoder = Decoder(order)
        opened = [file.path for file in psutil.Process(decoder.pid).open_files()]
        decoder.close()
    assert ledger.name not in opened


def test_detectors_that_find_a_face_are_accepted(order: Order) -> None:
    """The proof of detectors passes where they work, in a process that is gone afterwards."""
    before = psutil.Process().children()
    check(dataclasses.replace(order, probe=True))
    assert psutil.Process().children() == before


def test_a_detector_that_finds_no_face_is_refused() -> None:
    """A cascade for number plates is refused by name, before it leaves an archive unlabelled."""
    chain = default_chain(find_cascade("haarcascade_russian_plate_number"))
    with pytest.raises(DetectorError, match="finds no face in drawings of one"):
        check(Order(chain.to_json(), Limits(), probe=True))


def test_a_cascade_that_is_gone_is_told(tmp_path: Path) -> None:
    """A decoder that cannot load its cascade says so, instead of dying silently."""
    missing = Step("gone", "0" * 64, 400, 3, 1.1, tmp_path / "gone.xml")
    with pytest.raises(DetectorError, match=r"gone\.xml"):
        Decoder(Order(Chain((missing,)).to_json(), Limits()))


def test_a_decoder_that_cannot_start_is_told() -> None:
    """An order that makes no sense ends in one line, not in a hang."""
    with pytest.raises(DetectorError, match=r"detector chain|does not start"):
        Decoder(Order("no chain", Limits()))


def test_an_order_comes_back_as_it_was(order: Order) -> None:
    """What a decoder is told at its start is what it reads."""
    told = dataclasses.replace(order, input_size=75, probe=True, limits=Limits(1, 2, 3.5))
    assert Order.from_json(told.to_json()) == told
