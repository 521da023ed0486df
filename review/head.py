"""What the top of the page says: the archive, its run, the model, and the totals."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from db.store import models, runs, tally
from review.text import file_url
from worker.visible import visible, visible_path

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from db.records import RunRecord, Tally, VersionRecord


@dataclass(frozen=True, slots=True)
class ModelNote:
    """The active model version, as its manifest describes it.

    Attributes:
        labels: how many it knows.
        correct: right answers in the hold-out, out of `held_out`; no hold-out has 0.
    """

    version: int
    labels: int
    backbone: str
    correct: int
    held_out: int


@dataclass(frozen=True, slots=True)
class Head:
    """The facts of one page.

    Attributes:
        asked: the run that was asked for.
        run: the newest run of the same archive, which the page shows.
        name: the last part of the archive's path.
        path: of the archive.
        url: of the archive's folder, ending in a slash.
        started: when the run began, in UTC.
        finished: when it ended, in UTC; None while it has not.
        seconds: that it took; None while it has not ended.
        chain: the steps of the detector chain, in order.
        model: the active model; None where there is none.
    """

    asked: int
    run: RunRecord
    name: str
    path: str
    url: str
    started: str
    finished: str | None
    seconds: float | None
    chain: tuple[str, ...]
    model: ModelNote | None
    tally: Tally


def read_head(connection: Connection, asked: int) -> Head:
    """Look up a run, the newest run of its archive, the totals and the active model.

    Raises:
        UsageError: when there is no run of that number.
    """
    named = runs.find(connection, asked)
    run = runs.latest(connection, archive_id=named.archive_id) or named
    version = models.active(connection)
    ended = run.finished_at
    return Head(
        asked=asked,
        run=run,
        name=visible_path(run.root.rstrip(b"/").rpartition(b"/")[2] or run.root),
        path=visible_path(run.root),
        url=file_url(run.root),
        started=_time(run.started_at),
        finished=None if ended is None else _time(ended),
        seconds=None if ended is None else max(ended - run.started_at, 0.0),
        chain=tuple(visible(run.chain_id).split("+")),
        model=None if version is None else _describe(version),
        tally=tally.count(connection, run),
    )


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _describe(version: VersionRecord) -> ModelNote:
    manifest = json.loads(version.manifest)
    return ModelNote(
        version=version.id,
        labels=len(manifest["labels"]),
        backbone=visible(manifest["embedder"]["source"]),
        correct=manifest["holdout"].get("correct", 0),
        held_out=manifest["holdout"].get("n", 0),
    )
