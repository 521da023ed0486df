"""Annotations as CSV: people's words out of the database, and in."""

from __future__ import annotations

import csv
import json
import os
import sys
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from db.errors import UsageError
from db.labels import check_label
from db.records import AnnotationKind
from db.store import annotations as store
from db.store import models, places
from db.store.runs import display
from review.matching import match
from review.replacing import replacing
from review.sheet import COLUMNS, HINTS, read_sheet
from worker.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy import Connection

    from db.engine import Database
    from db.records import Box
    from db.store.annotations import AnnotationRow, Said
    from db.store.places import UnjudgedFace
    from review.sheet import Refused

# The name of the file that means standard input or output.
STANDARD = "-"

# New labels that are named for people.
_NAMED = 20

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did.

    Attributes:
        rows: of the sheet, without the header and empty lines.
        said: what became of the words; None where rows were refused and nothing was written.
        blank: rows that said nothing.
        refused: rows that cannot be taken, in the order of the sheet.
        new_labels: labels that neither the active model nor an earlier annotation knows, sorted.
    """

    rows: int
    said: Said | None
    blank: int
    refused: tuple[Refused, ...]
    new_labels: tuple[str, ...]


def import_sheet(
    database: Database,
    source: str,
    *,
    skip_bad: bool = False,
    stage: Callable[[str], object] = lambda _stage: None,
) -> Imported:
    """Take in what people wrote, in one transaction, or nothing where a row is bad.

    Args:
        source: path of a CSV file; `-` is standard input.
        skip_bad: leave bad rows out, and take the others.
        stage: told what is being done.

    Raises:
        UsageError: when the file cannot be read as a sheet; bad rows are no error.
    """
    stage("reading")
    with _opened(source) as file:
        sheet = read_sheet(file, name="standard input" if source == STANDARD else source)
    stage("matching")
    with database.read() as connection:
        matched = match(connection, sheet.rows)
        known = _known_labels(connection)
    words = [word for _, word in matched.words]
    refused = tuple(sorted((*sheet.refused, *matched.refused), key=lambda one: one.line))
    said = None
    if skip_bad or not refused:
        stage("writing")
        said = database.commit(lambda connection: store.say(connection, words))
    return Imported(
        rows=len(sheet.rows) + len(sheet.refused) + sheet.blank,
        said=said,
        blank=sheet.blank,
        refused=refused,
        new_labels=tuple(sorted({word.label for word in words if word.label} - known)),
    )


def describe(imported: Imported, *, most: int) -> Row:
    """An import as the object that a program reads, with at most so many refused rows."""
    said = imported.said or store.Said(added=0, replaced=0, unchanged=0)
    return {
        "rows": imported.rows,
        **asdict(said),
        "blank": imported.blank,
        "skipped": len(imported.refused),
        "refused": [asdict(one) for one in imported.refused[:most]],
        "new_labels": list(imported.new_labels),
    }


def render(imported: Imported) -> str:
    """An import in words, for people."""
    found = describe(imported, most=0)
    counts = (f"{found[name]:,} {name}" for name in ("added", "replaced", "unchanged"))
    extras = (f"{found[name]:,} {name}" for name in ("blank", "skipped") if found[name])
    rows = "row" if imported.rows == 1 else "rows"
    text = f"{imported.rows:,} {rows}: {', '.join((*counts, *extras))}."
    if imported.new_labels:
        names = ", ".join(visible(label) for label in imported.new_labels[:_NAMED])
        more = "" if len(imported.new_labels) <= _NAMED else ", …"
        text += f"\nLabels that no model knows yet: {names}{more}"
    return text


def refusals(imported: Imported, *, most: int) -> Iterator[str]:
    """The bad rows, one line each, and how many there are beyond so many."""
    for one in imported.refused[:most]:
        yield f"line {one.line}: {visible(one.reason)}"
    if len(imported.refused) > most:
        yield f"and {len(imported.refused) - most:,} more"


def choose(
    *, unannotated: bool = False, label: str | None = None, unknown: bool = False
) -> Callable[[Connection], Iterator[Row]]:
    """What to export: a function that reads the rows, with the columns of a sheet.

    Args:
        unannotated: faces that nobody has judged, with the model's word filled in where it is
            sure of it; else every annotation.
        label: of those, only the faces for which this label stands.
        unknown: of those, only the faces that are none of the known labels.

    Raises:
        UsageError: when these do not go together, or the label can be none.
    """
    if not unannotated and (unknown or label is not None):
        raise UsageError("--label and --unknown choose among unjudged faces; add --unannotated")
    if unknown and label is not None:
        raise UsageError("an unknown face has no label; use either --label or --unknown")
    if unannotated:
        chosen = None if label is None else check_label(label)
        find = partial(places.unjudged, label=chosen, unknown=unknown)
        return lambda connection: map(_unjudged, find(connection))
    return lambda connection: map(_annotated, store.every(connection))


def write_sheet(rows: Iterable[Row], out: str, *, hints: bool = False) -> int:
    """Write rows as CSV in UTF-8; how many.

    Args:
        out: path of the file, which is replaced once the new one is complete; `-` is standard
            output.
        hints: whether the rows have the columns that are only for people.

    Raises:
        UsageError: when the file cannot be written.
    """
    columns = (*COLUMNS, *HINTS) if hints else COLUMNS
    if out == STANDARD:
        # Sheets are UTF-8 wherever they are written, as names in them are.
        sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]  # a TextIOWrapper in every command
        return _write(rows, sys.stdout, columns)
    with replacing(Path(out), instead="name another file") as file:
        return _write(rows, file, columns)


@contextmanager
def _opened(source: str) -> Iterator[IO[bytes]]:
    if source == STANDARD:
        yield sys.stdin.buffer
        return
    try:
        with Path(source).open("rb") as file:
            yield file
    except OSError as error:
        raise UsageError(f"{source} cannot be read: {error.strerror}; name a CSV file") from error


def _write(rows: Iterable[Row], file: IO[str], columns: tuple[str, ...]) -> int:
    # Only with the line ends of RFC 4180 are carriage returns within names put in quotes.
    writer = csv.DictWriter(file, columns, lineterminator="\r\n")
    writer.writeheader()
    number = 0
    for number, row in enumerate(rows, start=1):  # noqa: B007  # counts what a stream held
        writer.writerow(row)
    file.flush()
    return number


def _annotated(row: AnnotationRow) -> Row:
    at = datetime.fromtimestamp(row.created_at, UTC)
    return {
        **_place(row.face_id, row.root, row.path, row.box),
        "kind": str(row.kind),
        "label": row.label,
        "author": row.author or "",
        "created_at": at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
    }


def _unjudged(face: UnjudgedFace) -> Row:
    sure = face.label is not None and not face.unknown
    return {
        **_place(face.id, face.root, face.path, face.box),
        "kind": str(AnnotationKind.IS) if sure else "",
        "label": face.label if sure else "",
        "author": "",
        "created_at": "",
        "guess": face.label or "",
        "confidence": "" if face.confidence is None else round(face.confidence, 4),
    }


def _place(face_id: int, root: bytes | None, path: bytes | None, box: Box) -> Row:
    gone = root is None or path is None
    image = "" if gone else display(os.path.join(root or b"", path or b""))
    corners = {"x0": box.x0, "y0": box.y0, "x1": box.x1, "y1": box.y1}
    return {"face": face_id, "image": image, **corners}


def _known_labels(connection: Connection) -> set[str]:
    version = models.active(connection)
    learned = [] if version is None else json.loads(version.manifest).get("labels", [])
    return {*store.labels(connection), *(name for name, _ in learned)}
