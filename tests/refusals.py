"""Contents without a picture, for tests of what is refused, and jobs that found them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from db.records import ContentRecord, ContentResult, ImageResult, Outcome
from db.store import runs
from tests.ledger import job_result

if TYPE_CHECKING:
    from db.records import Claim
    from tests.ledger import Ledger

TODAY = "opencv 5, pillow 12"


def poison(data: bytes, reason: str = "decoder_crashed") -> ContentResult:
    """Bytes that are in quarantine."""
    return verdict(data, Outcome.QUARANTINED, reason)


def broken(data: bytes, reason: str = "damaged") -> ContentResult:
    """Bytes that are no image."""
    return verdict(data, Outcome.UNREADABLE, reason)


def verdict(data: bytes, outcome: Outcome, reason: str) -> ContentResult:
    """Bytes without a picture."""
    sha256 = hashlib.sha256(data).digest()
    return ContentResult(ContentRecord(sha256, len(data)), outcome, reason, "a detail")


def store(
    ledger: Ledger, claim: Claim, *contents: ContentResult, decoder: str | None = TODAY
) -> None:
    """Commit a job whose images have these contents, in order, and finish its run."""
    todo = ledger.todo(claim.job_id)
    linked = zip(todo, contents, strict=True)
    images = [ImageResult(image.id, content.content.sha256) for image, content in linked]
    ledger.commit(claim, replace(job_result(contents, images), decoder=decoder))
    finish(ledger, claim.run.id)


def finish(ledger: Ledger, run_id: int) -> None:
    """Close a run."""
    with ledger.database.write() as connection:
        runs.finish(connection, run_id)
