"""Faces of single images, named by the active model."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from rich.table import Table

from db.records import Outcome
from worker.configured import configured_chain, decoder_pool
from worker.models.live import load
from worker.models.registry import require_active
from worker.reading import FileError, read_file
from worker.scoring import Scorer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import RenderableType

    from db.engine import Database
    from worker.models.live import Model
    from worker.sandbox.examined import Examined
    from worker.settings import WorkerSettings


def classify_files(
    files: Sequence[str], *, database: Database, home: Path, settings: WorkerSettings
) -> list[dict[str, Any]]:
    """What the active model sees in each file, in the order given.

    Raises:
        UsageError: when there is no active model.
    """
    model = load(require_active(database), home=home)
    results: dict[int, dict[str, Any]] = {}
    readable = []
    for place, file in enumerate(files):
        try:
            readable.append((place, read_file(os.fsencode(file), limit=settings.max_file_bytes)))
        except FileError as error:
            results[place] = _result(Outcome.UNREADABLE, error.reason, error.detail)
    chain = configured_chain(settings, home)
    with decoder_pool(settings, chain, input_size=model.embedder.spec.size) as pool:
        for place, report in pool.examine(readable):
            faces = _faces(report, model)
            results[place] = _result(report.outcome, report.reason, report.detail, faces)
    return [{"path": file, **results[place]} for place, file in enumerate(files)]


def render(results: Sequence[dict[str, Any]]) -> RenderableType:
    """The results as a table for people, one row a face or file without one."""
    table = Table("file", "face", "label", "confidence", "next best")
    for result in results:
        if not result["faces"]:
            table.add_row(result["path"], str(result["outcome"]), result["reason"] or "")
        for face in result["faces"]:
            label = f"unknown ({face['label']}?)" if face["unknown"] else face["label"]
            others = ", ".join(f"{other} {score:.0%}" for other, score in face["top"][1:3])
            box = " ".join(str(corner) for corner in face["box"])
            table.add_row(result["path"], box, label, f"{face['confidence']:.0%}", others)
    return table


def _result(
    outcome: Outcome, reason: str | None, detail: str | None, faces: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    return {"outcome": outcome, "reason": reason, "detail": detail, "faces": list(faces)}


def _faces(report: Examined, model: Model) -> list[dict[str, Any]]:
    scorer = Scorer(model)
    scorer.add([face.pixels for face in report.faces])
    return [
        {
            "box": [face.face.box.x0, face.face.box.y0, face.face.box.x1, face.face.box.y1],
            "detector": face.face.detector,
            "score": face.face.score,
            "label": prediction.label,
            "confidence": prediction.confidence,
            "unknown": prediction.unknown,
            "top": prediction.top,
        }
        for face, (_, prediction) in zip(report.faces, scorer.finish(), strict=True)
        if prediction is not None
    ]
