"""Images that crash, hang or bloat decoders, and files that are no images at all."""

from __future__ import annotations

import os
import re
import shutil
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]  # ships no types
import pytest

from db.records import Outcome
from tests.drawing import face_png, plain_png
from tests.faults import oracle
from tests.faults.cluster import HOOKS, Cluster
from tests.faults.hooks.traitor import LIES
from tests.faults.poisoned import SECONDS, poisoned, susceptible
from tests.faults.services import ROOT
from worker.sandbox.decoder import Decoder, DecoderDiedError
from worker.sandbox.limits import Limits, Order
from worker.sandbox.pool import DecoderPool
from worker.vision.chain import default_chain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.faults.conftest import Archive
    from tests.faults.labelling import Labelling

pytestmark = pytest.mark.xdist_group("faults")

MEGABYTE = 1024 * 1024


@pytest.mark.thorough
def test_one_image_crashes_its_decoder(
    tmp_path: Path,
    sqlite_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
) -> None:
    """A segfault costs two decoders and nothing else: not the job, and not its process."""
    archive = poisoned(archives(200), tmp_path / "archive", crash=1)
    with susceptible(tmp_path / "cluster", sqlite_url) as cluster:
        (worker,) = cluster.workers
        labelling = cluster.label(archive.folder)
        decoders, children = set(), set()
        for done in labelling.ticks():
            if done:
                decoders |= {decoder.pid for decoder in worker.decoders}
                children |= {child.pid for child in worker.children}
        labelling.faults = 1
        verdict(labelling, archive)
        # Two that are at work, and up to three that died.
        assert len(decoders) <= 5
        assert len(children) == worker.starts == 1


def test_five_images_of_one_job_crash_their_decoders(
    tmp_path: Path,
    postgres_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
) -> None:
    """The images that crash are told from their neighbours in the same job, at the first try."""
    archive = poisoned(archives(25), tmp_path / "archive", crash=5)
    with susceptible(tmp_path / "cluster", postgres_url) as cluster:
        labelling = cluster.label(archive.folder)
        labelling.finish()
        labelling.faults = 5
        verdict(labelling, archive)
        assert cluster.value("SELECT count(*) FROM jobs") == 1
        assert cluster.value("SELECT attempts FROM jobs") == 1


@pytest.mark.thorough
def test_a_decoder_hangs(
    tmp_path: Path,
    sqlite_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
) -> None:
    """An image whose decoding never ends is given up at the limit; the others go on meanwhile."""
    archive = poisoned(archives(100), tmp_path / "archive", hang=1)
    with susceptible(tmp_path / "cluster", sqlite_url) as cluster:
        labelling = cluster.label(archive.folder)
        labelling.finish()
        labelling.faults = 1
        verdict(labelling, archive)
        detail = "SELECT detail FROM detections WHERE outcome = 'quarantined'"
        assert cluster.value(detail) == f"decoding takes longer than {SECONDS:g} s"


@pytest.fixture
def traitors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DecoderPool]:
    """Decoders that some images take over."""
    (tmp_path / "hooks.json").write_text('{"traitor": {}}')
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HOOKS), str(ROOT)]))
    with DecoderPool(Order(default_chain(None).to_json(), Limits()), decoders=2) as pool:
        yield pool


def test_decoders_that_are_taken_over(traitors: DecoderPool) -> None:
    """Whatever nonsense an image has its decoder report, only that image is quarantined."""
    lies = {name: face_png(n) + f"lie:{name}".encode() for n, name in enumerate(LIES)}
    honest = {str(number): face_png(100 + number) for number in range(10)}
    reports = dict(traitors.examine({**lies, **honest}.items()))
    ends = {name: (report.outcome, report.reason) for name, report in reports.items()}
    assert ends == {
        **dict.fromkeys(lies, (Outcome.QUARANTINED, "decoder_crashed")),
        **dict.fromkeys(honest, (Outcome.FACES, None)),
    }
    assert len({report.detail for report in reports.values()}) > len(LIES) / 2


def test_a_small_file_of_900_megapixels() -> None:
    """A PNG of a hundred kilobytes and 30,000 x 30,000 pixels is refused by its header."""
    order = Order(default_chain(None).to_json(), Limits())
    decoder = Decoder(order)
    decoder.examine(face_png())
    before = peak(decoder.pid)
    report = decoder.examine(vast_png(30_000))
    after = peak(decoder.pid)
    decoder.close()
    assert (report.outcome, report.reason) == (Outcome.UNREADABLE, "too_many_pixels")
    assert after - before < 20 * MEGABYTE


def test_a_small_file_of_more_pixels_than_fit_into_memory() -> None:
    """A limit on pixels that was set too high still leaves the limit on memory."""
    limits = Limits(max_pixels=10**9, memory=256 * MEGABYTE)
    decoder = Decoder(Order(default_chain(None).to_json(), limits))
    with pytest.raises(DecoderDiedError, match="more than 268,435,456 bytes") as caught:
        decoder.examine(vast_png(30_000))
    assert caught.value.reason == "decoder_memory"


def test_files_that_are_no_images(tmp_path: Path, sqlite_url: str) -> None:
    """Empty, foreign, cut and oversized files each end with the code that says what they are."""
    archive = tmp_path / "archive"
    archive.mkdir()
    wrong = wrong_files()
    for name, (data, _) in wrong.items():
        (archive / name).write_bytes(data)
    (archive / "sound.png").write_bytes(plain_png())
    with Cluster(tmp_path / "cluster", sqlite_url) as cluster:
        labelling = cluster.label(archive)
        labelling.finish()
        found = oracle.find(cluster.database, labelling.run).images
    ends = {path.decode(): (outcome, reason) for path, (outcome, reason, _) in found.items()}
    expected = {name: ("unreadable", reason) for name, (_, reason) in wrong.items()}
    assert ends == {**expected, "sound.png": ("no_face", "no_face_found")}


@pytest.mark.thorough
def test_hostile_files_under_every_name(
    tmp_path: Path,
    ledger_url: str,
    dev_data: Path,
) -> None:
    """Broken and malicious files under any name end in one state each, and nothing restarts."""
    files = sorted(path for path in (dev_data / "data" / "hostile").rglob("*") if path.is_file())
    if not files:
        pytest.skip("needs the hostile files of the development data")
    archive = tmp_path / "archive"
    archive.mkdir()
    for number, file in enumerate(files):
        for suffix in ("jpg", "png", "gif", "webp"):
            shutil.copy(file, archive / f"{number:04}.{suffix}")
    with Cluster(tmp_path / "cluster", ledger_url) as cluster:
        (worker,) = cluster.workers
        labelling = cluster.label(archive)
        children = set()
        for done in labelling.ticks():
            if done:
                children |= {child.pid for child in worker.children}
        peaks = [(peak(one.pid), one.rlimit(psutil.RLIMIT_AS)[0]) for one in worker.decoders]
        found = oracle.find(cluster.database, labelling.run)
        judged = labelling.judge(found)
    print("peaks of decoders in MB:", [used // MEGABYTE for used, _ in peaks])  # noqa: T201  # for -rP
    assert judged.clean
    assert len(found.images) == 4 * len(files)
    assert "quarantined" not in {outcome for outcome, _, _ in found.images.values()}
    assert peaks
    assert all(used < limit for used, limit in peaks)
    assert len(children) == worker.starts == 1


def wrong_files() -> dict[str, tuple[bytes, str]]:
    """Bytes that are no image to be decoded, and the code with which each must end, by name."""
    return {
        "empty.jpg": (b"", "empty"),
        "page.png": (b"<!doctype html><title>404 Not Found</title>", "not_an_image"),
        "zeros.gif": (bytes(4096), "not_an_image"),
        "text.bmp": (b"BM, as the text says, is for bitmaps", "truncated"),
        "half.webp": (face_png()[:2000], "truncated"),
        "start.jpg": (b"\xff\xd8\xff", "damaged"),
        "picture.jpg": (b"\x00\x00\x00\x18ftypheic" + bytes(64), "unsupported"),
        "paper.png": (b"%PDF-1.7\n", "unsupported"),
        "vast.png": (vast_png(10_001), "too_many_pixels"),
    }


def peak(pid: int) -> int:
    """The most physical memory that a process ever held, in bytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def vast_png(side: int) -> bytes:
    """A PNG of so many white pixels a side; 30,000 of them take a hundred kilobytes."""
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compressobj(9)
    row = b"\0" + b"\xff" * -(-side // 8)
    data = b"".join([*(rows.compress(row) for _ in range(side)), rows.flush()])
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in chunks)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
