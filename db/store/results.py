"""The one transaction in which a labelling job writes everything that it found out."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from db.errors import KaolabelError
from db.figures import STORE, Histogram
from db.records import DetectionRecord, Outcome, RunRecord
from db.store import fresh_faces, jobs
from db.store.upsert import chunks, insert_missing, update_rows
from db.tables import Content, Detection, Image, Preview

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from db.records import (
        Claim,
        ContentRecord,
        ContentResult,
        ImageResult,
        JobResult,
    )


class ForgottenError(KaolabelError):
    """Raised when a detection was dropped after a job found it and before the job linked to it."""


def commit(connection: Connection, claim: Claim, result: JobResult) -> None:
    """Write a labelling job's results and mark it done.

    Every row goes in by its natural key: bytes that another job stored meanwhile are linked, and
    the first insert stays.

    Raises:
        FencedError: when the claim is no longer the job's newest one.
        ForgottenError: when a detection that the result links to is gone.
        TypeError: when the job is a relabelling's, which has no images.
    """
    started = time.perf_counter()
    # First, so that a fenced writer waits for nobody and undoes nothing.
    jobs.finish(connection, claim, version_id=result.version_id, decoded=result.decoded)
    chain_id = _chain_id(claim)
    detections = _contents(connection, chain_id, result)
    fresh_faces.store(connection, detections, result)
    fresh_faces.rescore(connection, result)
    _images(connection, claim, chain_id, result)
    stored = Histogram.of([time.perf_counter() - started])
    stages = {**result.figures.stages, STORE: stored}
    jobs.note(connection, claim, replace(result.figures, stages=stages))


def known(
    connection: Connection, chain_id: str, sha256s: Iterable[bytes], *, hold: bool = False
) -> dict[bytes, DetectionRecord]:
    """The detection by the chain of each hash that has one.

    Args:
        hold: whether nobody may drop them before the transaction ends.
    """
    query = select(
        Content.sha256,
        Detection.id,
        Detection.content_id,
        Detection.outcome,
        Detection.reason,
        Detection.detail,
    ).join(Detection, (Detection.content_id == Content.id) & (Detection.chain_id == chain_id))
    if hold:
        query = query.with_for_update(read=True, key_share=True, of=Detection)
    found: dict[bytes, DetectionRecord] = {}
    for some in chunks(sorted(sha256s)):
        for row in connection.execute(query.where(Content.sha256.in_(some))):
            sha256, number, content_id, outcome, reason, detail = row
            found[sha256] = DetectionRecord(number, content_id, Outcome(outcome), reason, detail)
    return found


def hashes(connection: Connection, content_ids: Sequence[int]) -> dict[int, bytes]:
    """The hash of each of the contents."""
    found: dict[int, bytes] = {}
    for some in chunks(content_ids):
        rows = connection.execute(select(Content.id, Content.sha256).where(Content.id.in_(some)))
        found.update((row.id, row.sha256) for row in rows)
    return found


def _chain_id(claim: Claim) -> str:
    if not isinstance(claim.run, RunRecord):
        raise TypeError(f"job {claim.job_id} holds faces: spans.commit writes those")
    return claim.run.chain_id


def _contents(connection: Connection, chain_id: str, result: JobResult) -> dict[bytes, int]:
    """Store contents and detections; detection ids of those that this call inserted."""
    results: Sequence[ContentResult] = result.contents
    rows = [_content_row(r.content) for r in results]
    insert_missing(connection, Content, rows, key=("sha256",))
    ids = _content_ids(connection, [r.content.sha256 for r in results])
    taken = known(connection, chain_id, ids)
    fresh = [r for r in results if r.content.sha256 not in taken]
    detections = [
        {
            "content_id": ids[r.content.sha256],
            "chain_id": chain_id,
            "outcome": r.outcome,
            "reason": r.reason,
            "detail": r.detail,
            "decoder": result.decoder,
        }
        for r in fresh
    ]
    insert_missing(connection, Detection, detections, key=("content_id",))
    stored = known(connection, chain_id, [r.content.sha256 for r in fresh])
    found = {sha256: detection.id for sha256, detection in stored.items()}
    previews = [
        {"detection_id": found[r.content.sha256], "jpeg": r.preview} for r in fresh if r.preview
    ]
    insert_missing(connection, Preview, previews, key=("detection_id",))
    return found


def _content_row(content: ContentRecord) -> dict[str, Any]:
    return {
        "sha256": content.sha256,
        "size": content.size,
        "format": content.format,
        "width": content.width,
        "height": content.height,
    }


def _content_ids(connection: Connection, sha256s: Sequence[bytes]) -> dict[bytes, int]:
    found: dict[bytes, int] = {}
    # Locked, so that of two jobs with the same bytes the later one sees what the other stored; in
    # order, so that they do not deadlock.
    query = select(Content.sha256, Content.id).order_by(Content.sha256)
    query = query.with_for_update(key_share=True)
    for some in chunks(sorted(sha256s)):
        rows = connection.execute(query.where(Content.sha256.in_(some)))
        found.update((row.sha256, row.id) for row in rows)
    return found


def _images(connection: Connection, claim: Claim, chain_id: str, result: JobResult) -> None:
    hashes = {image.sha256 for image in result.images if image.sha256 is not None}
    links = known(connection, chain_id, hashes, hold=True)
    if len(links) < len(hashes):
        raise ForgottenError(
            "what was known of an image was dropped by `kaolabel quarantine retry`; the job is"
            " done again"
        )
    rows = [
        _image_row(image, links, result.version_id)
        for image in sorted(result.images, key=lambda image: image.image_id)
    ]
    # A file that changed meanwhile was taken out of the job: it stays due.
    update_rows(connection, Image, rows, Image.job_id == claim.job_id, due=False)


def _image_row(
    image: ImageResult, links: Mapping[bytes, DetectionRecord], version_id: int | None
) -> dict[str, Any]:
    link = None if image.sha256 is None else links[image.sha256]
    source = image if link is None else link
    return {
        "key": image.image_id,
        "version_id": version_id,
        "content_id": None if link is None else link.content_id,
        "detection_id": None if link is None else link.id,
        "outcome": source.outcome,
        "reason": source.reason,
        "detail": source.detail,
    }
