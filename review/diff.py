"""What another model version would change: as a table, and as a page of the faces themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup
from rich.console import Group
from rich.table import Table

from db.store import faces
from review.page import TEMPLATES, environment
from review.replacing import replacing
from review.thumbnail import thumbnail
from worker import terminal
from worker.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rich.console import RenderableType

    from db.engine import Database
    from worker.models.diff import Diff
    from worker.models.pairs import Sample

# Rows that people are shown in a terminal.
ROWS_SHOWN = 40

# With eight faces each, about 3 KB a face, they make pages of up to 50 MB, which browsers still
# open within seconds.
CHANGES_SHOWN = 2_000

FACE_SIDE = 112

# Template events that are gathered into one write.
_BUFFERED = 256


@dataclass(frozen=True, slots=True)
class Entry:
    """A change, as the page lists it.

    Attributes:
        anchor: its id in the page.
        old: the label before, fit to be shown; None is unknown.
        new: the label after.
        faces: how many faces make this change.
    """

    anchor: str
    old: str | None
    new: str | None
    faces: int
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """A face of the page; `picture` is a data URI, or None where the stored crop is damaged."""

    picture: str | None
    sample: Sample


def render(diff: Diff) -> RenderableType:
    """The difference as tables and sentences for people."""
    parts: list[RenderableType] = [_changes(diff), _shifts(diff)] if diff.changes else []
    return Group(*parts, *sentences(diff))


def sentences(diff: Diff) -> list[str]:
    """What is to be known beside the numbers of each change, one line each."""
    found = [_summary(diff)]
    for version, labels in ((diff.old, diff.only_old), (diff.new, diff.only_new)):
        if labels:
            names = ", ".join(visible(label) for label in labels)
            found.append(f"Only version {version} knows {names}.")
    if diff.faces < diff.stored:
        found.append(f"This is a sample of {diff.faces:,} of {diff.stored:,} stored faces.")
    if diff.annotated:
        found.append(
            f"{_count(diff.annotated, 'face')} left out: what a person said of a face stands."
        )
    if diff.skipped:
        found.append(f"{_count(diff.skipped, 'face')} left out: the stored crop is damaged.")
    return found


def write_diff(database: Database, diff: Diff, out: Path) -> None:
    """Write the page of a difference.

    It refers to nothing outside itself; its own policy forbids the browser to load or run anything.

    Args:
        database: holds the crops of the sample faces.
        diff: what to show.
        out: file to write; an older one is replaced only once the new one is complete.

    Raises:
        UsageError: when the file cannot be written.
    """
    entries = _entries(diff)
    template = environment().get_template("diff.html")
    with replacing(out, instead="name another file with --html") as file:
        stream = template.stream(
            diff=diff,
            entries=entries,
            sentences=sentences(diff),
            sections=_sections(database, entries),
            visible=visible,
            style=_style(),
        )
        stream.enable_buffering(_BUFFERED)
        file.writelines(stream)


def _changes(diff: Diff) -> Table:
    table = Table(f"version {diff.old}", f"version {diff.new}", "faces", "share")
    for change in diff.changes[:ROWS_SHOWN]:
        share = change.faces / diff.scored
        table.add_row(_name(change.old), _name(change.new), f"{change.faces:,}", f"{share:.1%}")
    rest = diff.changes[ROWS_SHOWN:]
    if rest:
        count = sum(change.faces for change in rest)
        table.add_row(f"{len(rest):,} more", "", f"{count:,}", f"{count / diff.scored:.1%}")
    return table


def _shifts(diff: Diff) -> Table:
    table = Table("label", f"version {diff.old}", f"version {diff.new}", "gained", "lost")
    moved = [label for label in diff.labels if diff.gained[label] or diff.lost[label]]
    moved.sort(key=lambda label: -(diff.gained[label] + diff.lost[label]))
    for label in moved[:ROWS_SHOWN]:
        numbers = (count[label] for count in (diff.before, diff.after, diff.gained, diff.lost))
        table.add_row(_name(label), *(f"{number:,}" for number in numbers))
    if len(moved) > ROWS_SHOWN:
        table.add_row(f"{len(moved) - ROWS_SHOWN:,} more")
    return table


def _summary(diff: Diff) -> str:
    if not diff.scored:
        return f"There is no face on which versions {diff.old} and {diff.new} could differ."
    changed = diff.scored - diff.unchanged
    return (
        f"{changed:,} of {_count(diff.scored, 'face')} ({changed / diff.scored:.1%}) change their "
        f"label from version {diff.old} to {diff.new}; {diff.held_against:,} "
        f"({diff.changed_share:.1%}) count against version {diff.new}: they lose a label, or get "
        f"one that version {diff.old} knew too."
    )


def _entries(diff: Diff) -> list[Entry]:
    return [
        Entry(
            anchor=f"change-{place}",
            old=None if change.old is None else visible(change.old),
            new=None if change.new is None else visible(change.new),
            faces=change.faces,
            samples=change.samples,
        )
        for place, change in enumerate(diff.changes[:CHANGES_SHOWN], start=1)
    ]


def _sections(database: Database, entries: Sequence[Entry]) -> Iterator[tuple[Entry, list[Tile]]]:
    """Each change with its pictures, made while the page is written."""
    with terminal.progress_bar("changes") as bar:
        for entry in bar.track(entries, description="pictures"):
            with database.read() as connection:
                crops = faces.crops(connection, [sample.face_id for sample in entry.samples])
            pictures = {
                face_id: thumbnail(crop.jpeg, long_side=FACE_SIDE)
                for face_id, crop in crops.items()
            }
            tiles = [Tile(pictures.get(sample.face_id), sample) for sample in entry.samples]
            yield entry, tiles


def _style() -> Markup:
    names = ("report.css", "diff.css")
    # Our own files, not data: they must reach the browser as they are.
    return Markup("\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in names))  # noqa: S704


def _name(label: str | None) -> str:
    return "unknown" if label is None else visible(label)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
