"""People's words through the real command: in, out, above every model, and never half."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.archive import fill
from tests.command import Kaolabel, finish
from tests.drawing import face_png

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ledger import Ledger

SUM = "SELECT count(*) FROM annotations"


@pytest.fixture
def kaolabel(home_ledger: Ledger, home: Path) -> Kaolabel:
    """The command in a home with a small archive, labelled."""
    fill(home_ledger)
    return Kaolabel(home)


def sheet(folder: Path, text: str) -> str:
    """The path of a file with that text."""
    path = folder / "words.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def exported(kaolabel: Kaolabel, *options: str) -> list[dict[str, Any]]:
    """The rows that an export prints."""
    done = kaolabel.run("annotate", "export", *options)
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout)))


def test_words_stand_above_the_model(kaolabel: Kaolabel, tmp_path: Path) -> None:
    """What people said is in the report and in the export."""
    out = tmp_path / "report.html"
    words = "image;box;kind;label\naqua/1.png;;is;Megumin\ntwo faces.png;1 2 30 40;not_a_face;\n"
    found = kaolabel.json("annotate", "import", sheet(tmp_path, words))
    assert (found["added"], found["skipped"], found["new_labels"]) == (2, 0, [])
    assert kaolabel.run("report", "1", "--out", str(out)).returncode == 0
    page = out.read_text(encoding="utf-8")
    assert page.count("data-annotated") == 1
    rows = exported(kaolabel)
    assert {row["kind"] for row in rows} == {"is", "not_a_face"}
    assert kaolabel.json("annotate", "export")["annotations"][0]["label"] == "Megumin"


def test_the_counts_of_a_run_follow(home: Path, tmp_path: Path) -> None:
    """Labelling again counts what people named, and no longer what is no face."""
    kaolabel, archive = Kaolabel(home), tmp_path / "archive"
    archive.mkdir()
    for number in range(3):
        (archive / f"{number}.png").write_bytes(face_png(number))
    label = ("label", str(archive), "--detect-only")
    assert kaolabel.json(*label)["unscored"] == 3
    words = f"image,kind,label\n0.png,is,Aqua\n{archive}/1.png,not_a_face,\n"
    assert kaolabel.json("annotate", "import", sheet(tmp_path, words))["added"] == 2
    found = kaolabel.json(*label)
    assert (found["faces"], found["labels"], found["unscored"]) == (2, {"Aqua": 1}, 1)


def test_faces_are_judged_with_one_file(kaolabel: Kaolabel, tmp_path: Path) -> None:
    """Unknown faces go out, a person fills in what they are, and they come in again."""
    path = tmp_path / "unknown.csv"
    options = ("annotate", "export", "--unannotated", "--unknown", str(path))
    assert kaolabel.json(*options) == {"file": str(path), "rows": 2}
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(",,,,,Megumin,", ",is,Darkness,Ann,,Megumin,"), encoding="utf-8")
    found = kaolabel.json("annotate", "import", str(path))
    assert (found["added"], found["blank"]) == (1, 1)
    assert found["new_labels"] == ["Darkness"]
    assert len(exported(kaolabel, "--unannotated", "--unknown")) == 1


def test_standard_input_and_output_are_enough(kaolabel: Kaolabel, home_ledger: Ledger) -> None:
    """What one command prints another reads."""
    home_ledger.execute(
        "INSERT INTO annotations (face_id, kind, label, created_at) VALUES (1, 'is', 'Éclair', 1)"
    )
    printed = kaolabel.run("annotate", "export").stdout
    home_ledger.execute("DELETE FROM annotations")
    done = subprocess.run(
        [sys.executable, "-m", "kaolabel", "annotate", "import", "-", "--json"],
        env=kaolabel.environment,
        input=printed,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert json.loads(done.stdout)["added"] == 1
    assert kaolabel.run("annotate", "export").stdout == printed


def test_one_bad_row_keeps_all_from_being_written(
    kaolabel: Kaolabel, home_ledger: Ledger, tmp_path: Path
) -> None:
    """Every bad row is listed, nothing is written, and the code is that of wrong usage."""
    bad = "".join(f"{number},Aqua\n" for number in range(100, 130))
    path = sheet(tmp_path, f"face,label\n1,Aqua\n{bad}")
    done = kaolabel.run("annotate", "import", path)
    lines = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert lines[0] == "line 3: there is no face 100"
    assert lines[20] == "and 10 more"
    assert lines[21].startswith("kaolabel: 30 of 31 rows cannot be taken, and nothing was written")
    assert len(lines) == 22
    assert home_ledger.value(SUM) == 0
    found = kaolabel.json("annotate", "import", path, "--skip-bad")
    assert (found["added"], found["skipped"], len(found["refused"])) == (1, 30, 20)
    assert home_ledger.value(SUM) == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (None, "cannot be read: No such file"),
        (b"", "is empty"),
        (b"1,Aqua\n", "in its first line, which must name the columns"),
        (b"face,label\n1,\x00\n", "something binary"),
        (b"\xff\xfe\x00", "no UTF-8 text"),
        (b'face,label\n1,"' + b"x" * 200_000, "no sound CSV"),
    ],
)
def test_what_is_no_sheet_is_one_clear_line(
    kaolabel: Kaolabel, tmp_path: Path, data: bytes | None, reason: str
) -> None:
    """A file that cannot be understood ends in a line and a code, never in a traceback."""
    path = tmp_path / "words.csv"
    if data is not None:
        path.write_bytes(data)
    done = finish(kaolabel.start("annotate", "import", str(path)))
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("kaolabel: ")
    assert reason in line
