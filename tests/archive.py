"""A small archive, labelled by hand: every outcome, every kind of face, and hostile names."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from db.records import Box, ContentRecord, ContentResult, Crop, ImageResult, Outcome
from db.store import models
from tests.ledger import content, face, job_result, prediction, unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from db.records import FaceResult, Prediction, RunRecord
    from tests.ledger import Ledger


class Name(NamedTuple):
    """A file name as bytes, and as people should see it."""

    path: bytes
    shown: str


_MARKUP = "a\"'><script>document.title='pwned'</script><img src=x onerror=alert(1)>{{7}}"
HOSTILE = Name(f"{_MARKUP}\n\u202e".encode(), f"{_MARKUP}\\n\\u202e")
ROOT = b"/archives/drawings\xff"


def fill(ledger: Ledger) -> RunRecord:
    """A run that labelled 14 files: 7 faces in 7 of them, 2 labels, an active model, version 2."""
    run = ledger.run(ROOT, chain="lbp:1234@400n3")
    old = publish(ledger, "a")
    ledger.finish(ledger.take(run, b"old.png"), _faces(b"old", _says("Aqua", 0.6)), version=old)
    new = publish(ledger, "b", holdout={"n": 12, "correct": 9})
    _label(ledger, run, version=new)
    ledger.register(run, b"waiting.png")
    return run


def publish(ledger: Ledger, name: str, *, holdout: Mapping[str, int] | None = None) -> int:
    """Publish and activate a version with a manifest; its number."""
    manifest = {
        "labels": [["Aqua", 5], ["Megumin", 7]],
        "embedder": {"source": "drawn"},
        "holdout": holdout or {},
    }
    with ledger.database.write() as connection:
        version = models.publish(
            connection,
            sha256=name * 64,
            embedder="embedder",
            manifest=json.dumps(manifest),
            parent_id=None,
        )
        models.activate(connection, version.id, why="a test")
    return version.id


def _label(ledger: Ledger, run: RunRecord, *, version: int) -> None:
    found = _contents()
    claim = ledger.take(run, *found, b"gone/1.png", b"gone/2.png")
    results = [
        unreadable(image)
        if image.path not in found
        else ImageResult(image.id, found[image.path].content.sha256)
        for image in ledger.todo(claim.job_id)
    ]
    unique = {result.content.sha256: result for result in found.values()}
    ledger.commit(claim, job_result(list(unique.values()), results, version=version))


def _contents() -> dict[bytes, ContentResult]:
    aqua = _faces(b"aqua", _says("Aqua", 0.98))
    return {
        b"aqua/1.png": aqua,
        b"aqua/copy.png": aqua,
        b"two faces.png": _faces(b"two", _says("Aqua", 0.81), _says("Megumin", 0.85)),
        HOSTILE.path: _faces(b"hostile", _says("Aqua", 0.4, unknown=True)),
        b"maybe.png": _faces(b"maybe", _says("Megumin", 0.2, unknown=True)),
        b"fresh.png": _faces(b"fresh", None),
        b"hills.png": replace(content(b"hills"), preview=_jpeg(160)),
        b"sea.png": replace(content(b"sea"), preview=_jpeg(120)),
        b"notes.txt": _failed(
            b"notes", Outcome.UNREADABLE, "not_an_image", "it starts like no known image format"
        ),
        b"evil\xfe.gif": _failed(
            b"evil", Outcome.QUARANTINED, "decoder_died", "killed by signal 11, twice"
        ),
    }


def _says(label: str, confidence: float, *, unknown: bool = False) -> Prediction:
    return prediction(label, confidence=confidence, unknown=unknown)


def _faces(data: bytes, *said: Prediction | None) -> ContentResult:
    return content(data, *(_face(one) for one in said))


def _face(said: Prediction | None) -> FaceResult:
    return replace(face(said), crop=Crop(_jpeg(192), Box(32, 32, 160, 160)))


def _failed(data: bytes, outcome: Outcome, reason: str, detail: str) -> ContentResult:
    record = ContentRecord(hashlib.sha256(data).digest(), len(data))
    return ContentResult(record, outcome, reason=reason, detail=detail)


def _jpeg(side: int) -> bytes:
    """A drawn round face on a plain ground."""
    pixels = np.full((side, side, 3), (200, 160, 120), np.uint8)
    cv2.circle(pixels, (side // 2, side // 2), side // 3, (180, 210, 250), -1)
    return cv2.imencode(".jpg", pixels)[1].tobytes()
