"""What the commands of the quarantine say, to people and to programs."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from rich.table import Table

from db.records import Outcome
from db.store import refused
from worker.visible import visible, visible_path
from worker.vision.libraries import decoder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from db.engine import Database
    from db.records import RefusedImage

_BECAME = {
    Outcome.FACES: "faces are found in it now",
    Outcome.NO_FACE: "no face is found in it",
    None: "it still waits for a worker",
}


def listing(outcome: Outcome, images: Sequence[RefusedImage]) -> dict[str, Any]:
    """The images of an outcome, counted by reason, then one by one."""
    return {
        "outcome": str(outcome),
        "images": len(images),
        "reasons": dict(Counter(image.reason for image in images).most_common()),
        "decoder": decoder(),
        "files": [_file(image) for image in images],
    }


def render_listing(found: dict[str, Any]) -> RenderableType:
    """The listing for people: counts, then a line or two a file, never wrapped."""
    if not found["files"]:
        return f"No image is {found['outcome']}."
    lines = [f"{found['images']:,} {found['outcome']}"]
    lines += [f"  {number:,}  {visible(reason)}" for reason, number in found["reasons"].items()]
    for reason, files in groupby(found["files"], key=itemgetter("reason")):
        lines += ["", visible(reason)]
        for file in files:
            path = os.fsencode(os.path.join(file["archive"], file["path"]))
            lines += [f"  {visible_path(path)}", *_circumstances(file)]
    return "\n".join(lines)


def summarize(
    database: Database,
    outcome: Outcome,
    images: Sequence[RefusedImage],
    *,
    runs: Sequence[dict[str, Any]],
    seconds: float,
) -> dict[str, Any]:
    """What became of images that were tried again.

    Args:
        database: the ledger.
        outcome: that all of them had.
        images: as they were before.
        runs: summaries of the runs in which they were tried.
        seconds: that it all took.
    """
    with database.read() as connection:
        now = refused.outcomes(connection, [image.id for image in images])
    return {
        "outcome": str(outcome),
        "retried": len(images),
        "became": [
            {"outcome": became, "reason": reason, "images": number}
            for (became, reason), number in now.most_common()
        ],
        "runs": list(runs),
        "seconds": round(seconds, 3),
    }


def render(summary: dict[str, Any]) -> RenderableType:
    """The summary as a table for people."""
    if not summary["retried"]:
        return "Nothing was tried again."
    table = Table(
        "images",
        "what became of each",
        title=f"{summary['retried']:,} {summary['outcome']}, tried again",
        title_justify="left",
    )
    for row in summary["became"]:
        table.add_row(f"{row['images']:,}", _became(row, before=summary["outcome"]))
    return table


def _file(image: RefusedImage) -> dict[str, Any]:
    return {
        "archive": os.fsdecode(image.root),
        "path": os.fsdecode(image.path),
        "reason": image.reason,
        "detail": image.detail,
        "decoder": image.decoder,
        "at": image.at,
    }


def _became(row: dict[str, Any], *, before: str) -> str:
    if row["outcome"] in _BECAME:
        return _BECAME[row["outcome"]]
    again = "still" if row["outcome"] == before else "now"
    return f"it is {again} {row['outcome']}: {visible(row['reason'] or '')}"


def _circumstances(file: dict[str, Any]) -> list[str]:
    at = file["at"]
    when = None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    known = [visible(part) for part in (file["detail"], file["decoder"], when) if part]
    return [f"      {'; '.join(known)}"] if known else []
