"""Matching: rows of a sheet find their faces, or say why not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from db.records import AnnotationKind, Box, DetectedFace
from review.matching import Matched, match, overlap
from review.sheet import SheetRow
from tests.ledger import content, face

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.records import FaceResult
    from tests.ledger import Ledger

IS, IS_NOT, NO_FACE = AnnotationKind.IS, AnnotationKind.IS_NOT, AnnotationKind.NOT_A_FACE
LEFT, RIGHT = Box(0, 0, 100, 100), Box(200, 0, 300, 100)


def at(*boxes: Box) -> list[FaceResult]:
    """Faces in these places."""
    return [replace(face(), face=DetectedFace(box, "lbp", 1.0)) for box in boxes]


def add(ledger: Ledger, root: bytes, path: bytes, data: bytes, *boxes: Box) -> list[int]:
    """An image with faces in an archive; the numbers of all faces so far."""
    ledger.finish(ledger.take(ledger.run(root), path), content(data, *at(*boxes)))
    return [face_id for (face_id,) in ledger.rows("SELECT id FROM faces ORDER BY id")]


def row(
    image: str = "",
    *,
    face: int | None = None,
    box: Box | None = None,
    kind: AnnotationKind = IS,
    label: str = "Aqua",
    line: int = 2,
) -> SheetRow:
    """A row of a sheet."""
    return SheetRow(line, face, image, box, kind, label, None, 0.0)


def matched(ledger: Ledger, rows: Sequence[SheetRow]) -> Matched:
    """What the rows mean."""
    with ledger.database.read() as connection:
        return match(connection, rows)


def found(ledger: Ledger, one: SheetRow) -> int | str:
    """The face that a row means, or why there is none."""
    result = matched(ledger, [one])
    if result.refused:
        return result.refused[0].reason
    return result.words[0][1].face_id


@pytest.mark.parametrize(
    ("other", "expected"),
    [(LEFT, 1.0), (RIGHT, 0.0), (Box(50, 0, 100, 100), 0.5), (Box(50, 50, 150, 150), 2500 / 17500)],
)
def test_overlap_is_intersection_over_union(other: Box, expected: float) -> None:
    """The same box has 1, one beside it 0, whichever comes first."""
    assert overlap(LEFT, other) == overlap(other, LEFT) == pytest.approx(expected)


def test_a_face_is_found_by_its_number(ledger: Ledger) -> None:
    """A box beside the number must be that of the face: a sheet may be of another database."""
    left, right = add(ledger, b"/a", b"x.png", b"1", LEFT, RIGHT)
    assert found(ledger, row(face=left)) == left
    assert found(ledger, row(face=right, box=RIGHT, image="anything")) == right
    assert found(ledger, row(face=right + 1)) == f"there is no face {right + 1}"
    assert "is at 0 0 100 100, not at 200 0 300 100" in str(
        found(ledger, row(face=left, box=RIGHT))
    )


def test_a_face_is_found_by_image_and_box(ledger: Ledger) -> None:
    """The face that overlaps the box most is meant, if it does so by half at least."""
    left, right = add(ledger, b"/a", b"sub/x.png", b"1", LEFT, RIGHT)
    assert found(ledger, row("sub/x.png", box=Box(5, 5, 110, 110))) == left
    assert found(ledger, row("/a/sub/x.png", box=Box(210, 0, 290, 90))) == right
    assert found(ledger, row("./sub//x.png", box=RIGHT)) == right
    beside = found(ledger, row("sub/x.png", box=Box(60, 60, 160, 160)))
    assert beside == "the box fits no face of the image; the nearest is at 0 0 100 100"
    assert found(ledger, row("sub/x.png")) == "the image has 2 faces; say which by its box"


def test_an_image_with_one_face_needs_no_box(ledger: Ledger) -> None:
    """An image without a face, and one that is not there, say so."""
    (only,) = add(ledger, b"/a", b"x.png", b"1", LEFT)
    add(ledger, b"/a", b"none.png", b"2")
    assert found(ledger, row("x.png")) == only
    assert found(ledger, row("none.png")) == "no face was found in this image"
    for name in ("y.png", "/b/x.png", "/a", "/x.png", "X.png"):
        assert "no archive that was labelled holds" in str(found(ledger, row(name)))


def test_one_path_in_several_archives_is_ambiguous(ledger: Ledger) -> None:
    """Only the whole path tells which is meant, unless both are the same bytes."""
    add(ledger, b"/a", b"x.png", b"1", LEFT)
    first, second = add(ledger, b"/b", b"x.png", b"2", LEFT)
    assert "2 archives hold an image 'x.png'; write its whole path" in str(
        found(ledger, row("x.png"))
    )
    assert found(ledger, row("/a/x.png")) == first
    assert found(ledger, row("/b/x.png")) == second
    add(ledger, b"/a", b"same.png", b"3", LEFT)
    *_, third = add(ledger, b"/b", b"same.png", b"3", LEFT)
    assert found(ledger, row("same.png")) == third


@pytest.mark.parametrize("path", [b"\xff\xe9.png", b"back\\slash\\xff.png", b"new\nline \r.png"])
def test_odd_names_are_found_as_they_are_shown(ledger: Ledger, path: bytes) -> None:
    """Bytes that are not UTF-8 may be written as the escapes that stand for them."""
    (only,) = add(ledger, b"/odd \xfe", path, b"1", LEFT)
    shown = path.decode(errors="backslashreplace")
    assert found(ledger, row(shown)) == only
    assert found(ledger, row("/odd \\xfe/" + shown)) == only


@pytest.mark.parametrize(
    ("words", "bad"),
    [
        ([(IS, "Aqua"), (IS, "Megumin")], [2, 3]),
        ([(IS, "Aqua"), (IS, "Aqua")], []),
        ([(IS, "Aqua"), (IS_NOT, "Aqua")], [2, 3]),
        ([(IS, "Aqua"), (IS_NOT, "Megumin")], []),
        ([(IS, "Aqua"), (NO_FACE, "")], [2, 3]),
        ([(NO_FACE, ""), (IS_NOT, "Aqua")], []),
        ([(IS_NOT, "Aqua"), (IS, "Darkness"), (IS, "Megumin")], [3, 4]),
    ],
)
def test_rows_that_contradict_each_other_are_refused(
    ledger: Ledger, words: list[tuple[AnnotationKind, str]], bad: list[int]
) -> None:
    """Nobody knows which of them is right, so that none is taken; other faces do not suffer."""
    left, right = add(ledger, b"/a", b"x.png", b"1", LEFT, RIGHT)
    rows = [
        row(face=left, kind=kind, label=label, line=line)
        for line, (kind, label) in enumerate(words, start=2)
    ]
    result = matched(ledger, [*rows, row(face=right, label="Kazuma", line=9)])
    assert [one.line for one in result.refused] == bad
    assert [line for line, _ in result.words] == [
        *(one.line for one in rows if one.line not in bad),
        9,
    ]
    assert all(f"contradict each other about face {left}" in one.reason for one in result.refused)
