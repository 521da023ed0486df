"""The pipeline: images in, results out, each content decoded once."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.errors import ArchiveGoneError
from db.records import DetectionRecord, JobImage, Outcome
from tests.drawing import face_png, plain_png
from worker import pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from db.records import JobResult, StoredFace
    from worker.models.live import Model
    from worker.sandbox.pool import DecoderPool


@dataclass
class NewLedger:
    """The ledger of an archive of which nothing is known, as a job sees it."""

    looks: int = 0
    on_look: Callable[[int], None] = field(default=lambda _looks: None)

    def hashes(self, content_ids: Sequence[int]) -> dict[int, bytes]:
        """Nothing is known."""
        assert not content_ids
        return {}

    def known(self, sha256s: Iterable[bytes]) -> dict[bytes, DetectionRecord]:
        """Nothing is known."""
        assert all(len(sha256) == 32 for sha256 in sha256s)
        return {}

    def unscored(self, detection_ids: Sequence[int], model: Model) -> Iterable[StoredFace]:
        """Nothing is known."""
        assert not detection_ids, model
        return []

    def still_mine(self) -> None:
        """The job stays with this worker."""
        self.looks += 1
        self.on_look(self.looks)


def fill(archive: Path, files: dict[str, bytes]) -> list[JobImage]:
    """Write files; a job of them."""
    archive.mkdir(exist_ok=True)
    for name, data in files.items():
        (archive / name).write_bytes(data)
    return [
        JobImage(number, os.fsencode(name), len(data), None)
        for number, (name, data) in enumerate(files.items(), start=1)
    ]


def run(
    images: Sequence[JobImage],
    archive: Path,
    pool: DecoderPool,
    *,
    model: Model | None = None,
    ledger: NewLedger | None = None,
) -> JobResult:
    """Send a job through all stages."""
    return pipeline.label(
        images,
        root=os.fsencode(archive),
        ledger=ledger or NewLedger(),
        pool=pool,
        model=model,
        max_file_bytes=1_000_000,
    )


def sha256(data: bytes) -> bytes:
    """The hash that a content is known by."""
    return hashlib.sha256(data).digest()


def test_a_job_is_worked_through(
    tmp_path: Path, pool: DecoderPool, small_model: Callable[..., Model]
) -> None:
    """Each image is linked to its bytes, each face has crop, embedding and prediction."""
    files = {"face": face_png(), "none": plain_png(), "broken": b"no image"}
    result = run(fill(tmp_path / "a", files), tmp_path / "a", pool, model=small_model(7))
    assert {image.image_id: image.sha256 for image in result.images} == {
        number: sha256(data) for number, data in enumerate(files.values(), start=1)
    }
    by_hash = {content.content.sha256: content for content in result.contents}
    face, none, broken = (by_hash[sha256(data)] for data in files.values())
    assert (face.outcome, len(face.faces), face.preview) == (Outcome.FACES, 1, None)
    assert face.faces[0].embedding is not None
    assert face.faces[0].prediction is not None
    assert face.faces[0].prediction.label == "Aqua"
    assert (face.content.width, face.content.format) == (400, "PNG")
    assert (none.outcome, none.faces) == (Outcome.NO_FACE, ())
    assert (broken.outcome, broken.reason) == (Outcome.UNREADABLE, "not_an_image")
    assert (result.version_id, result.embedder, result.decoded) == (7, "mean", 3)


def test_detecting_only_stores_bare_faces(tmp_path: Path, pool: DecoderPool) -> None:
    """Without a model there are faces, and nobody's word on them."""
    result = run(fill(tmp_path / "a", {"face": face_png()}), tmp_path / "a", pool)
    (face,) = result.contents[0].faces
    assert (face.embedding, face.prediction) == (None, None)
    assert (result.version_id, result.embedder) == (None, None)


def test_the_same_bytes_are_decoded_once(tmp_path: Path, pool: DecoderPool) -> None:
    """Copies are linked, near each other in the job or far apart."""
    files = {f"{number:03}": plain_png(number % 5) for number in range(150)}
    result = run(fill(tmp_path / "a", files), tmp_path / "a", pool)
    assert result.decoded == len(result.contents) == 5
    assert Counter(image.sha256 for image in result.images) == {
        sha256(plain_png(number)): 30 for number in range(5)
    }


def test_predictions_belong_to_their_faces(
    tmp_path: Path, pool: DecoderPool, small_model: Callable[..., Model]
) -> None:
    """However decoders overtake each other, a face gets the score of its own pixels."""
    files = {f"{number}": (face_png if number % 2 else plain_png)(number) for number in range(40)}
    images = fill(tmp_path / "a", files)
    once = run(images, tmp_path / "a", pool, model=small_model(1))
    again = run(images[::-1], tmp_path / "a", pool, model=small_model(1))
    scores = [
        {content.content.sha256: [face.prediction for face in content.faces]}
        for result in (once, again)
        for content in sorted(result.contents, key=lambda content: content.content.sha256)
    ]
    assert scores[:40] == scores[40:]


def test_files_that_cannot_be_read_have_a_reason(tmp_path: Path, pool: DecoderPool) -> None:
    """Files that vanished or became something else are unreadable; the others are done."""
    names = ("good", "gone", "fifo", "link", "folder", "large")
    images = fill(tmp_path / "a", dict.fromkeys(names, plain_png()))
    for name in names[1:]:
        (tmp_path / "a" / name).unlink()
    os.mkfifo(tmp_path / "a" / "fifo")
    (tmp_path / "a" / "link").symlink_to("good")
    (tmp_path / "a" / "folder").mkdir()
    (tmp_path / "a" / "large").write_bytes(bytes(1_000_001))
    result = run(images, tmp_path / "a", pool)
    states = {image.image_id: (image.outcome, image.reason) for image in result.images}
    reasons = (None, "vanished", "not_a_file", "not_a_file", "not_a_file", "too_large")
    assert states == {
        number: (Outcome.UNREADABLE if reason else None, reason)
        for number, reason in enumerate(reasons, start=1)
    }


def test_an_archive_that_is_gone_is_no_fate_of_files(tmp_path: Path, pool: DecoderPool) -> None:
    """When the folder is not there at the start, nothing is called unreadable."""
    images = fill(tmp_path / "a", {"x": plain_png()})
    (tmp_path / "a").rename(tmp_path / "b")
    with pytest.raises(ArchiveGoneError):
        run(images, tmp_path / "a", pool)


def test_an_archive_that_goes_in_the_middle_is_no_fate_of_files(
    tmp_path: Path, pool: DecoderPool
) -> None:
    """When the folder goes between two slices of a job, nothing is called unreadable."""
    images = fill(tmp_path / "a", {f"{n:03}": plain_png(n) for n in range(130)})

    def lose(looks: int) -> None:
        if looks == 2:
            shutil.rmtree(tmp_path / "a")

    with pytest.raises(ArchiveGoneError):
        run(images, tmp_path / "a", pool, ledger=NewLedger(on_look=lose))


def test_an_archive_that_is_renamed_in_the_middle_is_read_on(
    tmp_path: Path, pool: DecoderPool
) -> None:
    """A job goes on in the folder that it began in, whatever has that folder's name by now."""
    images = fill(tmp_path / "a", {f"{n:03}": plain_png(n) for n in range(130)})

    def rename(looks: int) -> None:
        if looks == 2:
            (tmp_path / "a").rename(tmp_path / "b")
            (tmp_path / "a").mkdir()

    result = run(images, tmp_path / "a", pool, ledger=NewLedger(on_look=rename))
    assert len(result.contents) == 130
    assert all(image.sha256 for image in result.images)


def test_a_file_that_vanishes_before_the_archive_does_is_not_trusted(
    tmp_path: Path, pool: DecoderPool
) -> None:
    """A file that was found missing while the folder was going is not called unreadable."""
    files = {f"{n:03}": plain_png(n) for n in range(64)}
    images = fill(tmp_path / "a", files)
    (tmp_path / "a" / "000").unlink()

    def unmount(looks: int) -> None:
        if looks == 2:
            (tmp_path / "a").rename(tmp_path / "b")

    images += [JobImage(100, b"001", 1, None)]
    with pytest.raises(ArchiveGoneError):
        run(images, tmp_path / "a", pool, ledger=NewLedger(on_look=unmount))


def test_a_job_that_is_lost_ends_soon(tmp_path: Path, pool: DecoderPool) -> None:
    """A worker that is not the job's any more stops at the next slice."""

    def lose(looks: int) -> None:
        if looks == 2:
            raise InterruptedError

    images = fill(tmp_path / "a", {f"{n:03}": plain_png(n) for n in range(70)})
    with pytest.raises(InterruptedError):
        run(images, tmp_path / "a", pool, ledger=NewLedger(on_look=lose))


@given(st.lists(st.integers(0, 80 * 1024 * 1024), max_size=200))
def test_few_and_small_files_are_held_together(sizes: list[int]) -> None:
    """Slices keep the order, and are bounded in number and bytes; a huge file stands alone."""
    images = [JobImage(number, b"", size, None) for number, size in enumerate(sizes)]
    slices = list(pipeline._slices(images))
    assert [image for some in slices for image in some] == images
    for some in slices:
        assert 0 < len(some) <= 64
        assert len(some) == 1 or sum(image.size for image in some) <= 128 * 1024 * 1024


def test_an_empty_job_is_no_error(tmp_path: Path, pool: DecoderPool) -> None:
    """A job of which nothing is left to do has an empty result."""
    fill(tmp_path / "a", {"x": b""})
    result = run([], tmp_path / "a", pool)
    assert (result.images, result.contents, result.decoded) == ((), (), 0)


@given(st.none() | st.text())
def test_details_can_be_stored_anywhere(detail: str | None) -> None:
    """Whatever a library says of a broken file becomes one line that both databases take."""
    stored = pipeline.storable(detail)
    if detail is None or stored is None:
        assert stored is detail
        return
    stored.encode()
    assert "\0" not in stored
    assert "\n" not in stored
    assert len(stored) <= 500
