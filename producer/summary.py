"""What `kaolabel label` says at its end, to people and to programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from db.store import runs, tally

if TYPE_CHECKING:
    from rich.console import RenderableType

    from db.engine import Database
    from db.records import RunRecord


def summarize(database: Database, run: RunRecord, *, seconds: float) -> dict[str, Any]:
    """Counts of the archive as it now stands, and what this run had to do.

    Args:
        seconds: that this run took.
    """
    counts = database.fetch(lambda connection: tally.count(connection, run))
    decoded = database.fetch(lambda connection: runs.decoded(connection, run.id))
    return {
        "run": run.id,
        "images": counts.images,
        "contents": counts.contents,
        "with_face": counts.with_face,
        "faces": counts.faces,
        "labels": counts.labels,
        "unknown": counts.unknown,
        "unscored": counts.unscored,
        "no_face": counts.no_face,
        "unreadable": counts.unreadable,
        "quarantined": counts.quarantined,
        "skipped": run.skipped,
        "decoded": decoded,
        "chain": run.chain_id,
        "seconds": round(seconds, 3),
        "images_per_second": round(counts.images / seconds, 2) if seconds > 0 else 0.0,
    }


def render(summary: dict[str, Any]) -> RenderableType:
    """The summary as a table for people."""
    table = Table(title=f"Run {summary['run']}", show_header=False, title_justify="left")
    table.add_column(justify="left")
    table.add_column(justify="right")
    for name in ("images", "contents", "faces"):
        table.add_row(name, f"{summary[name]:,}", style="bold")
    for label, number in summary["labels"].items():
        table.add_row(f"  {label}", f"{number:,}")
    for name in ("unknown", "unscored", "no_face", "unreadable", "quarantined", "skipped"):
        if summary[name]:
            table.add_row(name.replace("_", " "), f"{summary[name]:,}")
    table.add_row("decoded now", f"{summary['decoded']:,}")
    pace = f"{summary['seconds']:.1f} s, {summary['images_per_second']:,.1f} images/s"
    table.add_row("took", pace)
    return table
