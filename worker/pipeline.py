"""Images in, results out: read, decode, detect, crop, embed, classify; no Celery."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from db.figures import DECODE, DETECT, EMBED, Histogram, JobFigures
from db.records import (
    ContentRecord,
    ContentResult,
    FaceResult,
    ImageResult,
    JobResult,
    Outcome,
    Rescored,
)
from worker.reading import OF_A_LOST_DISK, Archive, FileError
from worker.scoring import Scorer, rescore
from worker.vision.libraries import decoder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from db.records import DetectionRecord, JobImage, StoredFace
    from worker.models.live import Model
    from worker.sandbox.examined import Examined
    from worker.sandbox.pool import DecoderPool

# What decoder processes measure of an image.
_TIMED = (DECODE, DETECT)

# Files read and looked up at a time, and how large they may be together: what waits in memory.
_SLICE, _SLICE_BYTES = 64, 128 * 1024 * 1024


class Ledger(Protocol):
    """What the pipeline asks the database while it works."""

    def hashes(self, content_ids: Sequence[int]) -> dict[int, bytes]:
        """The hash of each of the contents."""

    def known(self, sha256s: Iterable[bytes]) -> dict[bytes, DetectionRecord]:
        """The detection by the run's chain of each hash that has one."""

    def unscored(self, detection_ids: Sequence[int], model: Model) -> Iterable[StoredFace]:
        """Faces of the detections without a prediction by the model."""

    def still_mine(self) -> None:
        """Raise when the job was taken over or its run was stopped."""


@dataclass(slots=True)
class _Work:
    """What has come together for a job so far."""

    images: list[ImageResult] = field(default_factory=list)
    examined: dict[bytes, tuple[int, Examined]] = field(default_factory=dict)
    detections: dict[bytes, DetectionRecord] = field(default_factory=dict)
    claimed: set[bytes] = field(default_factory=set)


def label(
    images: Sequence[JobImage],
    *,
    root: bytes,
    ledger: Ledger,
    pool: DecoderPool,
    model: Model | None,
    max_file_bytes: int,
    allowed_roots: Sequence[bytes] | None = None,
) -> JobResult:
    """Work through a job's images.

    Each file is read once; bytes that the ledger knows are linked without decoding them, and
    their faces are classified from stored embeddings where the model has not seen them.

    Args:
        images: of one archive.
        root: the archive's folder.
        ledger: answers what is known already.
        pool: decodes and detects.
        model: classifies; None stores faces alone.
        max_file_bytes: larger files are not read.
        allowed_roots: folders of which one must be, or hold, the root; None allows any.

    Raises:
        ArchiveGoneError: when the archive's folder is not there any more, or may not be read.
        DetectorError: when no decoder can be started.
    """
    work, scorer = _Work(), Scorer(model)
    with Archive(root, allowed=allowed_roots) as archive:
        unseen = _unseen(images, archive=archive, ledger=ledger, work=work, limit=max_file_bytes)
        for (sha256, size), examined in pool.examine(unseen):
            work.examined[sha256] = (size, examined)
            # Full batches are embedded here, while the decoders work on the images ahead.
            scorer.add([face.pixels for face in examined.faces])
        if any(image.reason in OF_A_LOST_DISK for image in work.images):
            # Files are lost one by one or with the whole disk; only the former is their own fate.
            archive.require()
    ledger.still_mine()
    contents = _contents(work.examined, scorer)
    return JobResult(
        contents=contents,
        images=tuple(work.images),
        rescored=() if model is None else _rescore(work.detections, ledger, model),
        version_id=None if model is None else model.version_id,
        embedder=None if model is None else model.embedder.spec.id,
        decoded=len(work.examined),
        decoder=decoder(),
        figures=_figures(work, contents, scorer),
    )


def _unseen(
    images: Sequence[JobImage], *, archive: Archive, ledger: Ledger, work: _Work, limit: int
) -> Iterator[tuple[tuple[bytes, int], bytes]]:
    """Note the state of each image; yield ((hash, size), bytes) of contents yet to be decoded."""
    for some in _slices(images):
        ledger.still_mine()
        hashes = ledger.hashes([image.content_id for image in some if image.content_id])
        known = ledger.known(hashes.values())
        data: dict[bytes, bytes] = {}
        for image in some:
            sha256 = hashes.get(image.content_id or 0)
            if sha256 not in known:
                sha256 = _read(image, archive=archive, work=work, limit=limit, data=data)
            if sha256 is not None:
                work.images.append(ImageResult(image.id, sha256))
        known |= ledger.known(data)
        work.detections |= known
        for sha256, content in data.items():
            if sha256 not in known and sha256 not in work.claimed:
                work.claimed.add(sha256)
                yield (sha256, len(content)), content


def _slices(images: Sequence[JobImage]) -> Iterator[list[JobImage]]:
    """Consecutive images that are held in memory together."""
    some: list[JobImage] = []
    size = 0
    for image in images:
        if some and (len(some) == _SLICE or size + image.size > _SLICE_BYTES):
            yield some
            some, size = [], 0
        some.append(image)
        size += image.size
    if some:
        yield some


def _read(
    image: JobImage, *, archive: Archive, work: _Work, limit: int, data: dict[bytes, bytes]
) -> bytes | None:
    """Read and hash a file; None where it is noted as unreadable."""
    try:
        content = archive.read(image.path, limit=limit)
    except FileError as error:
        if error.reason in OF_A_LOST_DISK:
            archive.require()
        unreadable = ImageResult(image.id, None, Outcome.UNREADABLE, error.reason, error.detail)
        work.images.append(unreadable)
        return None
    sha256 = hashlib.sha256(content).digest()
    data[sha256] = content
    return sha256


def _contents(
    examined: dict[bytes, tuple[int, Examined]], scorer: Scorer
) -> tuple[ContentResult, ...]:
    scores = iter(scorer.finish())
    results = []
    for sha256, (size, report) in examined.items():
        stored = tuple(FaceResult(face.face, face.crop, *next(scores)) for face in report.faces)
        results.append(
            ContentResult(
                content=ContentRecord(sha256, size, report.format, report.width, report.height),
                outcome=report.outcome,
                reason=report.reason,
                detail=storable(report.detail),
                preview=report.preview,
                faces=stored,
            )
        )
    return tuple(results)


def _figures(work: _Work, contents: Sequence[ContentResult], scorer: Scorer) -> JobFigures:
    faces = [face for content in contents for face in content.faces]
    reports = [report for _, report in work.examined.values()]
    times = {step: [r.seconds[step] for r in reports if step in r.seconds] for step in _TIMED}
    times[EMBED] = scorer.seconds
    return JobFigures(
        outcomes=Counter(str(_outcome(image, work)) for image in work.images),
        faces=Counter(face.face.detector for face in faces),
        unknown=sum(face.prediction is not None and face.prediction.unknown for face in faces),
        stages={step: Histogram.of(found) for step, found in times.items()},
    )


def _outcome(image: ImageResult, work: _Work) -> Outcome | None:
    """What became of an image: by itself, by bytes that were decoded, or by bytes known before."""
    if image.sha256 is None:
        return image.outcome
    fresh = work.examined.get(image.sha256)
    return work.detections[image.sha256].outcome if fresh is None else fresh[1].outcome


def _rescore(
    detections: dict[bytes, DetectionRecord], ledger: Ledger, model: Model
) -> tuple[Rescored, ...]:
    ids = [found.id for found in detections.values() if found.outcome == Outcome.FACES]
    return rescore(list(ledger.unscored(ids, model)), model)


def storable(detail: str | None) -> str | None:
    """Text that both databases take: no NUL, no lone surrogates, one line of bounded length."""
    if detail is None:
        return None
    clean = detail.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    return " ".join(clean.split())[:500]
