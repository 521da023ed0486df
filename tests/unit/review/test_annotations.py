"""Annotations as CSV: what goes out comes in again, and what is bad changes nothing."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

from db.errors import UsageError
from review.annotations import (
    Imported,
    choose,
    describe,
    import_sheet,
    refusals,
    render,
    write_sheet,
)
from tests.archive import HOSTILE, fill

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ledger import Ledger

WORDS = """face,kind,label,author
1,is,Aqua,Ann
2,is_not,Aqua,
2,is_not,Éclair,
3,is,Megumin,"Bob ""the cook"" B"
5,not_a_face,,
"""


def take(ledger: Ledger, folder: Path, text: str, *, skip_bad: bool = False) -> Imported:
    """Import a file of that text."""
    path = folder / "words.csv"
    path.write_text(text, encoding="utf-8")
    return import_sheet(ledger.database, str(path), skip_bad=skip_bad)


def give(ledger: Ledger, folder: Path, **chosen: object) -> bytes:
    """The bytes of an export."""
    path = folder / "export.csv"
    rows = choose(**chosen)  # type: ignore[arg-type]  # the options of a test
    with ledger.database.read() as connection:
        write_sheet(rows(connection), str(path), hints=bool(chosen))
    return path.read_bytes()


def table(data: bytes) -> list[dict[str, str]]:
    """The rows of an export."""
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def test_an_export_comes_back_as_it_was(ledger: Ledger, tmp_path: Path) -> None:
    """Exported, forgotten, imported and exported again, every byte is the same."""
    fill(ledger)
    said = take(ledger, tmp_path, WORDS).said
    assert said is not None
    assert said.added == 5
    exported = give(ledger, tmp_path)
    ledger.execute("DELETE FROM annotations")
    assert take(ledger, tmp_path, exported.decode()).refused == ()
    assert give(ledger, tmp_path) == exported
    again = take(ledger, tmp_path, exported.decode()).said
    assert again is not None
    assert (again.added, again.replaced, again.unchanged) == (0, 0, 5)


def test_an_export_finds_its_faces_without_their_numbers(ledger: Ledger, tmp_path: Path) -> None:
    """Image and box are enough, whatever the image is called."""
    fill(ledger)
    take(ledger, tmp_path, "face,label\n" + "".join(f"{face},x\n" for face in (1, 2, 5, 6, 7)))
    exported = give(ledger, tmp_path)
    rows = [{**row, "face": ""} for row in table(exported)]
    assert any(row["image"].endswith(HOSTILE.path.decode()) for row in rows)
    ledger.execute("DELETE FROM annotations")
    write_sheet(rows, str(tmp_path / "blind.csv"))
    import_sheet(ledger.database, str(tmp_path / "blind.csv"))
    assert give(ledger, tmp_path) == exported


def test_an_export_tells_where_a_face_is(ledger: Ledger, tmp_path: Path) -> None:
    """Each row has the face's number, image, box, and who said what, and when."""
    fill(ledger)
    take(ledger, tmp_path, "face,label,author,created_at\n2,Aqua,Ann,2020-01-31T12:00Z\n")
    assert give(ledger, tmp_path).decode() == (
        "face,image,x0,y0,x1,y1,kind,label,author,created_at\r\n"
        "2,/archives/drawings\\xff/aqua/1.png,1,2,30,40,is,Aqua,Ann,2020-01-31T12:00:00.000000Z\r\n"
    )


def test_a_bad_row_keeps_all_from_being_written(ledger: Ledger, tmp_path: Path) -> None:
    """Nothing is written unless bad rows may be left out; each has its line and reason."""
    fill(ledger)
    text = "face,kind,label\n1,is,Aqua\n99,is,Aqua\n2,was,Aqua\n3,is,a\n3,is,b\n4,,\n"
    bad = take(ledger, tmp_path, text)
    assert (bad.rows, bad.blank, bad.said) == (6, 1, None)
    assert [one.line for one in bad.refused] == [3, 4, 5, 6]
    assert ledger.value("SELECT count(*) FROM annotations") == 0
    good = take(ledger, tmp_path, text, skip_bad=True)
    assert good.refused == bad.refused
    assert ledger.rows("SELECT face_id, label FROM annotations") == [(1, "Aqua")]


def test_refusals_are_listed_up_to_a_limit(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    """The first bad rows are named, on one line each; the others are counted."""
    fill(sqlite_ledger)
    text = "image,label\n" + "".join(f'"no\n{number}.png",x\n' for number in range(1500))
    bad = take(sqlite_ledger, tmp_path, text)
    lines = list(refusals(bad, most=20))
    assert len(lines) == 21
    assert lines[1].startswith("line 4: no archive that was labelled holds")
    assert "\n" not in "".join(lines)
    assert lines[-1] == "and 1,480 more"


def test_an_import_is_told_to_people_and_programs(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    """Counts, what was left out, and labels that may be slips of the pen."""
    fill(sqlite_ledger)
    text = "face,kind,label\n1,is,Aqua\n2,is,Aqau\n3,,\n99,is,x\n"
    imported = take(sqlite_ledger, tmp_path, text, skip_bad=True)
    found = describe(imported, most=20)
    assert json.loads(json.dumps(found)) == {
        "rows": 4,
        "added": 2,
        "replaced": 0,
        "unchanged": 0,
        "blank": 1,
        "skipped": 1,
        "refused": [{"line": 5, "reason": "there is no face 99"}],
        "new_labels": ["Aqau"],
    }
    shown = render(imported)
    assert shown.startswith("4 rows: 2 added, 0 replaced, 0 unchanged, 1 blank, 1 skipped.")
    assert shown.endswith("Labels that no model knows yet: Aqau")


def test_faces_to_judge_come_with_what_the_model_says(ledger: Ledger, tmp_path: Path) -> None:
    """Sure labels are filled in, others only hinted at; unedited, the file says no more."""
    fill(ledger)
    take(ledger, tmp_path, "face,label\n1,Aqua\n")
    rows = table(give(ledger, tmp_path, unannotated=True))
    said = {(row["kind"], row["label"], row["guess"]) for row in rows}
    assert said == {
        ("is", "Aqua", "Aqua"),
        ("is", "Megumin", "Megumin"),
        ("", "", "Aqua"),
        ("", "", "Megumin"),
        ("", "", ""),
    }
    exported = give(ledger, tmp_path, unannotated=True, unknown=True)
    imported = take(ledger, tmp_path, exported.decode())
    assert (imported.rows, imported.blank, imported.refused) == (2, 2, ())
    aqua = table(give(ledger, tmp_path, unannotated=True, label="Aqua"))
    assert [row["label"] for row in aqua] == ["Aqua", "Aqua"]


@pytest.mark.parametrize(
    ("label", "unknown", "unannotated"),
    [("Aqua", False, False), (None, True, False), ("Aqua", True, True)],
)
def test_options_that_do_not_go_together_are_refused(
    *, label: str | None, unknown: bool, unannotated: bool
) -> None:
    """Only unjudged faces are chosen among, and by one thing at a time."""
    with pytest.raises(UsageError, match=r"--label"):
        choose(unannotated=unannotated, label=label, unknown=unknown)


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_a_file_that_cannot_be_read_is_refused(
    sqlite_ledger: Ledger, tmp_path: Path, name: str
) -> None:
    """A missing file and a folder are one line with what to do."""
    with pytest.raises(UsageError, match=r"cannot be read: .*; name a CSV file"):
        import_sheet(sqlite_ledger.database, str(tmp_path / name))


def test_an_export_that_breaks_off_leaves_no_file(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    """A folder in the way, and a folder that is missing, are one line, and nothing is left."""
    for out in (tmp_path, tmp_path / "missing" / "words.csv"):
        with pytest.raises(UsageError, match="name another file"):
            write_sheet([], str(out))
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    assert sqlite_ledger.value("SELECT count(*) FROM annotations") == 0
