"""Sheets: people's words on faces as rows of a CSV file, read and checked one by one."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING

from db.errors import UsageError
from db.labels import LONGEST_LABEL, check_label
from db.records import AnnotationKind, Box

if TYPE_CHECKING:
    from _csv import Reader
    from collections.abc import Iterator, Mapping, Sequence

# What an export writes, in this order.
COLUMNS = ("face", "image", "x0", "y0", "x1", "y1", "kind", "label", "author", "created_at")
# What an export of faces to judge adds for people; an import does not look at them.
HINTS = ("guess", "confidence")

_CORNERS = ("x0", "y0", "x1", "y1")
_READ = (*COLUMNS, "box")
_DELIMITERS = ",;\t"

# In characters: a file without line ends must not fill the memory.
_LONGEST_LINE = 1_000_000

# Below the largest number that a database counts to.
_NUMBER = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class SheetRow:
    """What one row says.

    Attributes:
        line: where it begins in the file, from 1.
        face: number of the face; None where image and box tell.
        image: path of the image, absolute or below an archive's root; may be empty with `face`.
        box: None where the row has none.
        created_at: in seconds since the epoch; 0 where the row does not say.
    """

    line: int
    face: int | None
    image: str
    box: Box | None
    kind: AnnotationKind
    label: str
    author: str | None
    created_at: float


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that cannot be taken, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file of words on faces.

    Attributes:
        blank: rows that leave kind and label empty, and so say nothing.
    """

    rows: tuple[SheetRow, ...]
    refused: tuple[Refused, ...]
    blank: int


def read_sheet(file: IO[bytes], *, name: str) -> Sheet:
    """Read a sheet: UTF-8, with or without a byte order mark; `,`, `;` or tabs between fields.

    Args:
        name: of the file, for messages.

    Raises:
        UsageError: when it is no such file; a row that cannot be taken is no error.
    """
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        lines = _lines(text, name)
        first = next(lines, "")
        delimiter = max(_DELIMITERS, key=first.count)
        columns = _columns(next(csv.reader([first], delimiter=delimiter, strict=True), []), name)
        return _read(csv.reader(lines, delimiter=delimiter, strict=True), columns)
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is no UTF-8 text; save it as CSV in UTF-8") from error
    except csv.Error as error:
        raise UsageError(
            f"{name} is no sound CSV: {error}; put fields with quotes, separators or line ends in "
            'double quotes, and write a quote within as ""'
        ) from error
    finally:
        # The file is the caller's to close.
        text.detach()


def _lines(text: io.TextIOWrapper, name: str) -> Iterator[str]:
    while line := text.readline(_LONGEST_LINE):
        if "\0" in line or len(line) == _LONGEST_LINE:
            raise UsageError(f"{name} is no CSV text, but something binary; give a CSV file")
        yield line


def _columns(header: Sequence[str], name: str) -> tuple[str, ...]:
    columns = tuple(cell.strip().lower() for cell in header)
    if not any(columns):
        raise UsageError(f"{name} is empty; its first line names the columns, such as face,label")
    unknown = [column for column in columns if column not in (*_READ, *HINTS)]
    if unknown:
        raise UsageError(
            f"{name} has the column {unknown[0][:40]!r} in its first line, which must name the "
            f"columns; use {', '.join(_READ)}"
        )
    if len(set(columns)) < len(columns):
        raise UsageError(f"{name} names a column twice in its first line; name each once")
    if not {"face", "image"} & set(columns) or not {"kind", "label"} & set(columns):
        raise UsageError(
            f"{name} needs the column face (its number) or image (its path), and label; "
            f"its first line has {', '.join(columns)}"
        )
    corners = [column for column in _CORNERS if column in columns]
    if (corners and "box" in columns) or len(corners) not in (0, len(_CORNERS)):
        raise UsageError(f"{name} needs either a column box or all of x0, y0, x1, y1; name those")
    return columns


def _read(reader: Reader, columns: tuple[str, ...]) -> Sheet:
    rows: list[SheetRow] = []
    refused: list[Refused] = []
    blank = 0
    for line, cells in _numbered(reader):
        try:
            row = _row(line, _named(cells, columns))
        except UsageError as error:
            refused.append(Refused(line, str(error)))
            continue
        if row is None:
            blank += 1
        else:
            rows.append(row)
    return Sheet(tuple(rows), tuple(refused), blank)


def _numbered(reader: Reader) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, with the line on which each begins; the header is line 1."""
    line = 2
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield line, cells
        line = reader.line_num + 2


def _named(cells: Sequence[str], columns: tuple[str, ...]) -> Mapping[str, str]:
    if len(cells) != len(columns):
        raise UsageError(f"it has {len(cells)} fields, and the first line has {len(columns)}")
    return dict(zip(columns, cells, strict=True))


def _row(line: int, cells: Mapping[str, str]) -> SheetRow | None:
    cell = {column: value.strip() for column, value in cells.items()}
    if "kind" in cell and not cell["kind"] and not cell.get("label"):
        return None
    kind = _kind(cell.get("kind", ""))
    # Paths are kept as they are: spaces at their ends belong to them.
    face, image = _face(cell.get("face", "")), cells.get("image", "")
    if face is None and not image.strip():
        raise UsageError("it names neither a face nor an image")
    return SheetRow(
        line=line,
        face=face,
        image=image,
        box=_box(cell),
        kind=kind,
        label=_label(cell.get("label", ""), kind),
        author=_author(cell.get("author", "")),
        created_at=_time(cell.get("created_at", "")),
    )


def _kind(cell: str) -> AnnotationKind:
    try:
        return AnnotationKind(re.sub(r"[ -]", "_", cell.lower()) or AnnotationKind.IS)
    except ValueError as error:
        names = ", ".join(AnnotationKind)
        raise UsageError(f"the kind {cell[:40]!r} is none of {names}") from error


def _label(cell: str, kind: AnnotationKind) -> str:
    # The prediction may still stand in the row of what a person took for no face.
    return "" if kind is AnnotationKind.NOT_A_FACE else check_label(cell)


def _face(cell: str) -> int | None:
    if not cell:
        return None
    if not _NUMBER.fullmatch(cell):
        raise UsageError(f"{cell[:40]!r} is no number of a face")
    return int(cell)


def _box(cell: Mapping[str, str]) -> Box | None:
    text = cell.get("box", " ".join(cell.get(corner, "") for corner in _CORNERS)).strip()
    if not text:
        return None
    try:
        x0, y0, x1, y1 = (round(float(number)) for number in re.split(r"[ ,;]+", text))
        return Box(x0, y0, x1, y1)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"the box {text[:40]!r} is not x0 y0 x1 y1 in pixels") from error


def _author(cell: str) -> str | None:
    if len(cell) > LONGEST_LABEL or not cell.isprintable():
        raise UsageError(f"the author {cell[:20]!r} is too long or cannot be printed")
    return cell or None


def _time(cell: str) -> float:
    if not cell:
        return 0.0
    try:
        at = datetime.fromisoformat(cell)
    except ValueError as error:
        raise UsageError(f"the time {cell[:40]!r} is none such as 2026-01-31T12:00Z") from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
