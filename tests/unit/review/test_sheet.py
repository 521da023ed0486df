"""Sheets: every way in which people write a CSV file, and what is wrong with a row or a file."""

from __future__ import annotations

import io

import pytest

from db.errors import UsageError
from db.records import AnnotationKind, Box
from review.sheet import Sheet, SheetRow, read_sheet

IS, IS_NOT, NO_FACE = AnnotationKind.IS, AnnotationKind.IS_NOT, AnnotationKind.NOT_A_FACE


def read(text: str | bytes) -> Sheet:
    """What a file says."""
    data = text.encode() if isinstance(text, str) else text
    return read_sheet(io.BytesIO(data), name="words.csv")


def rows(text: str | bytes) -> tuple[SheetRow, ...]:
    """The rows of a file in which none is bad."""
    sheet = read(text)
    assert sheet.refused == ()
    return sheet.rows


def refusal(text: str) -> str:
    """Why the only row of a file is bad."""
    sheet = read(text)
    assert sheet.rows == ()
    (refused,) = sheet.refused
    return refused.reason


@pytest.mark.parametrize(
    "text",
    [
        "face,kind,label\n7,is,Éclair\n",
        "face;kind;label\r\n7;is;Éclair\r\n",
        "face\tkind\tlabel\n7\tis\tÉclair",
        "\ufeffface,kind,label\n7,is,Éclair\n",
        'Label , FACE\n"Éclair", 7\n',
        "face,label,author,created_at,guess,confidence\n7,Éclair,,,Aqua,0.3\n",
        "face,label,kind\n\n7,  E\u0301clair ,IS\n,,\n",
    ],
)
def test_a_sheet_may_be_written_in_many_ways(text: str) -> None:
    """Separators, byte order marks, line ends, spaces, order and case of columns do not matter."""
    (row,) = rows(text)
    assert (row.face, row.kind, row.label) == (7, IS, "Éclair")
    assert (row.image, row.box, row.author, row.created_at) == ("", None, None, 0.0)


@pytest.mark.parametrize(
    "text",
    [
        'image,box,label\n a.png,"1,2,30,40",x\n',
        "image,box,label\n a.png,1 2 30 40,x\n",
        "image;box;label\n a.png;1, 2, 30, 40;x\n",
        "image,x0,y0,x1,y1,label\n a.png,1,2,30,40,x\n",
        "image,x0,y0,x1,y1,label\n a.png,1.2,2.0,29.8,40,x\n",
    ],
)
def test_a_box_may_be_written_in_many_ways(text: str) -> None:
    """In one column or four, with spaces or commas, in whole pixels or not; paths are exact."""
    (row,) = rows(text)
    assert (row.image, row.box) == (" a.png", Box(1, 2, 30, 40))


@pytest.mark.parametrize(
    ("said", "kind", "label"),
    [
        ("is,Aqua", IS, "Aqua"),
        (",Aqua", IS, "Aqua"),
        ("is not,Aqua", IS_NOT, "Aqua"),
        ("IS_NOT,Aqua", IS_NOT, "Aqua"),
        ("not_a_face,", NO_FACE, ""),
        ("not-a-face,Aqua", NO_FACE, ""),
    ],
)
def test_every_kind_of_word_can_be_written(said: str, kind: AnnotationKind, label: str) -> None:
    """`is` needs not be written, and what is no face has no label, whatever stands there."""
    (row,) = rows(f"face,kind,label\n7,{said}\n")
    assert (row.kind, row.label) == (kind, label)


def test_author_and_time_are_read() -> None:
    """A time without a zone is UTC."""
    header = "face,label,author,created_at\n"
    first, second = rows(f"{header}7,x,Ann B,2026-01-31T12:00:00.5Z\n7,x,,2026-01-31 12:00\n")
    assert (first.author, first.created_at) == ("Ann B", 1769860800.5)
    assert (second.author, second.created_at) == (None, 1769860800.0)


def test_rows_that_say_nothing_are_counted() -> None:
    """Without kind and label nothing is said; without a column for the kind, a label is missing."""
    sheet = read("face,kind,label\n7,,\n8,is,Aqua\n")
    assert (len(sheet.rows), sheet.blank, sheet.refused) == (1, 1, ())
    assert "blank" in refusal("face,label\n7,\n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("face,kind,label\n7,was,Aqua\n", "the kind 'was' is none of is, is_not, not_a_face"),
        ("face,kind,label\n7,is,\n", "the label is blank"),
        ("face,label\n7,a/b\n", "cannot be a label"),
        ("face,label\nseven,x\n", "'seven' is no number of a face"),
        ("face,label\n-7,x\n", "'-7' is no number of a face"),
        (f"face,label\n{'7' * 30},x\n", "is no number of a face"),
        ("face,image,label\n,,x\n", "names neither a face nor an image"),
        ("face,label\n7,x,y\n", "it has 3 fields, and the first line has 2"),
        ("image,box,label\na,1 2 3,x\n", "the box '1 2 3' is not x0 y0 x1 y1"),
        ("image,box,label\na,30 2 1 40,x\n", "is not x0 y0 x1 y1"),
        ("image,box,label\na,nan inf 1e999 4,x\n", "is not x0 y0 x1 y1"),
        ("image,x0,y0,x1,y1,label\na,1,2,,4,x\n", "is not x0 y0 x1 y1"),
        ("face,label,created_at\n7,x,yesterday\n", "the time 'yesterday' is none such as"),
        (f"face,label,author\n7,x,{'a' * 201}\n", "too long"),
    ],
)
def test_a_bad_row_has_a_reason(text: str, reason: str) -> None:
    """What is wrong with a row is one clause, and no other row suffers."""
    assert reason in refusal(text)


def test_rows_know_where_they_begin() -> None:
    """Lines are counted as an editor does, with empty lines and line ends within fields."""
    sheet = read('image,label\n"a\nb.png",x\n\n"c\r\n.png",y\nd.png,\n')
    assert [row.line for row in sheet.rows] == [2, 5]
    assert [row.image for row in sheet.rows] == ["a\nb.png", "c\r\n.png"]
    assert [one.line for one in sheet.refused] == [7]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "words.csv is empty"),
        (b"\n\n", "is empty"),
        (b"7,Aqua\n8,Megumin\n", "has the column '7' in its first line"),
        (b"face,labels\n", "has the column 'labels'"),
        (b"face,label,face\n", "names a column twice"),
        (b"face\n7\n", "needs the column face"),
        (b"label\nx\n", "needs the column face"),
        (b"image,box,x0,label\n", "either a column box or all of x0"),
        (b"image,x0,y0,label\n", "either a column box or all of x0"),
        (b"face,label\n7,A\x00\n", "something binary"),
        (b"\x89PNG\r\n\x1a\n\x00", "no UTF-8 text"),
        ("face,label\n7,Aqua\n".encode("utf-16"), "no UTF-8 text"),
        (b"face,label\n7,\xc9clair\n", "no UTF-8 text"),
        (b'face,label\n7,"Aqua\n', "no sound CSV: unexpected end of data"),
        (b'face,label\n7,"Aqua"x\n', "no sound CSV"),
        (b"face,label\n7," + b"x" * 200_000 + b"\n", "no sound CSV: field larger than"),
        (b"x" * 1_000_001, "something binary"),
    ],
)
def test_what_is_no_sheet_is_refused(data: bytes, reason: str) -> None:
    """A file that cannot be understood as a whole is one line with what to do."""
    with pytest.raises(UsageError, match=r"words\.csv") as error:
        read(data)
    assert reason in str(error.value)
