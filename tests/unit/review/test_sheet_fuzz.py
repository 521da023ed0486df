"""Sheets of any bytes and any fields: rows with sound values, or reasons in one line."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from db.errors import UsageError
from db.labels import check_label
from db.records import AnnotationKind
from review.sheet import COLUMNS, read_sheet

if TYPE_CHECKING:
    from review.sheet import Sheet

LONGEST_REASON = 500

# A face's number, a box's corner, a kind, a label, a time: as they should be, and as they come.
cells = st.one_of(
    st.text(st.characters(), max_size=30),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(["is", "is_not", "not_a_face", "7", "1e999", "9" * 400, "١٢", "Aqua", "a/b"]),
    st.sampled_from(
        ["1 2 30 40", "2026-01-31T12:00Z", "9999-12-31T23:59:59+23:59", "0001-01-01T00:00+23:59"]
    ),
    st.sampled_from(["", " ", "\n", "\u202e", "\ud800", "=1+1", '"', "\x1b[2J", "x" * 5000]),
)
columns = st.lists(st.sampled_from((*COLUMNS, "box")) | cells, min_size=1, max_size=6)
tables = st.tuples(
    columns, st.lists(st.lists(cells, max_size=7), max_size=4), st.sampled_from(",;\t")
)
likely = st.tuples(
    st.sampled_from([["face", "kind", "label"], ["image", "box", "label", "author", "created_at"]]),
    st.lists(st.lists(cells, min_size=3, max_size=5), max_size=4),
    st.sampled_from(",;\t"),
)


def written(table: tuple[list[str], list[list[str]], str]) -> bytes:
    """A table as the bytes of a CSV file."""
    header, rows, delimiter = table
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([header, *rows])
    return text.getvalue().encode(errors="surrogatepass")


def read(data: bytes) -> Sheet | str:
    """What a file says, or why it cannot be understood; no other exception."""
    try:
        return read_sheet(io.BytesIO(data), name="words.csv")
    except UsageError as error:
        return str(error)


def require_sound(found: Sheet | str) -> None:
    """Whatever came out can be stored and shown."""
    if isinstance(found, str):
        assert "\n" not in found
        assert len(found) < LONGEST_REASON
        return
    for refused in found.refused:
        assert "\n" not in refused.reason
        assert len(refused.reason) < LONGEST_REASON
    for row in found.rows:
        assert row.face is None or 0 <= row.face < 1 << 63
        assert row.label == (
            "" if row.kind is AnnotationKind.NOT_A_FACE else check_label(row.label)
        )
        assert (row.author or "").isprintable()
        assert row.created_at == row.created_at  # NaN is not


@settings(max_examples=300)
@given(data=st.binary(max_size=200))
@example(data=b"face,label\n7,\xff\n")
@example(data=b"face,label\n7,\0\n")
@example(data=b'face,label\n7,"' + b"x" * 200_000)
def test_any_bytes_are_a_sheet_or_refused_in_one_line(data: bytes) -> None:
    """Files that are no CSV at all, and CSV with any header."""
    require_sound(read(data))
    require_sound(read(b"face,label\n" + data))


@settings(max_examples=300)
@given(table=tables | likely)
def test_any_table_is_read_or_refused_in_one_line(table: Any) -> None:
    """Any columns in any order, with fields of any text: each row is sound, or has a reason."""
    require_sound(read(written(table)))
