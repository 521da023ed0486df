"""What `kaolabel relabel` says at its end, to people and to programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from db.store import changes, relabels
from worker.models.registry import active

if TYPE_CHECKING:
    from rich.console import RenderableType

    from db.engine import Database
    from db.records import RelabelRecord
    from db.store.changes import Change

# Changes that are shown to people, most frequent first; programs get all of them.
_SHOWN = 8


def summarize(database: Database, relabel: RelabelRecord, *, seconds: float) -> dict[str, Any]:
    """Counts of all stored faces as they now stand, and what this relabelling changed.

    Args:
        database: the ledger.
        relabel: a finished relabelling.
        seconds: that the command took.
    """
    with database.read() as connection:
        counts = changes.count(connection, relabel.version_id)
        relabelled = relabels.relabelled(connection, relabel.id)
        changed = changes.of_relabel(connection, relabel)
        complaints = relabels.complaints(connection, relabel.id)
    live = active(database)
    return {
        "run": relabel.id,
        "version": relabel.version_id,
        "active_version": None if live is None else live.id,
        "faces": counts.faces,
        "relabelled": relabelled,
        "changed": sum(change.faces for change in changed),
        "changes": [_describe(change) for change in changed],
        "unknown": counts.unknown,
        "skipped": counts.faces - counts.scored,
        "annotated": counts.annotated,
        "complaints": complaints,
        "seconds": round(seconds, 3),
        "faces_per_second": round(relabelled / seconds, 2) if seconds > 0 else 0.0,
    }


def render(summary: dict[str, Any]) -> RenderableType:
    """The summary as a table for people."""
    title = f"Run {summary['run']}: faces relabelled by version {summary['version']}"
    table = Table(title=title, show_header=False, title_justify="left")
    table.add_column(justify="left")
    table.add_column(justify="right")
    table.add_row("faces", f"{summary['faces']:,}", style="bold")
    table.add_row("relabelled now", f"{summary['relabelled']:,}", style="bold")
    table.add_row("another label than before", f"{summary['changed']:,}", style="bold")
    for change in summary["changes"][:_SHOWN]:
        old, new = (change[side] or "unknown" for side in ("old", "new"))
        table.add_row(f"  {old} -> {new}", f"{change['faces']:,}")
    for name, words in (
        ("unknown", "unknown"),
        ("skipped", "left out"),
        ("annotated", "annotated, kept"),
    ):
        if summary[name]:
            table.add_row(words, f"{summary[name]:,}")
    pace = f"{summary['seconds']:.1f} s, {summary['faces_per_second']:,.1f} faces/s"
    table.add_row("took", pace)
    return table


def _describe(change: Change) -> dict[str, Any]:
    return {"old": change.old, "new": change.new, "faces": change.faces}
