"""Odd names and hostile bytes through the real command: nothing is lost, bent or left undone."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import unicodedata
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.drawing import face_png

if TYPE_CHECKING:
    from pathlib import Path

NAMES = (
    b"two words.png",
    b" leading and trailing ",
    b'it\'s "quoted" `twice`.png',
    b"new\nline.png",
    b"carriage\rreturn\ttab.png",
    b"\x1b[31mred\x07.png",
    b"-dash.png",
    b"--json",
    b"a" * 251 + b".png",
    b"\xff\xfe\x80.png",
    b"\xed\xb3\xbf surrogate.png",
    b"back\\slash.png",
    b"[bold]markup[/].png",
    b"%s {0} $HOME *?.png",
    b"';DROP TABLE images;--.png",
    unicodedata.normalize("NFC", "é.png").encode(),
    unicodedata.normalize("NFD", "é.png").encode(),
    "絵 😀.png".encode(),
    b"deep \xe9/-x/\n/inner.png",
)


class Kaolabel:
    """The command in a home of its own, with a scrubbed environment."""

    def __init__(self, home: Path) -> None:
        self.home = home
        scrubbed = {name: value for name, value in os.environ.items() if "KAOLABEL" not in name}
        # As in most terminals: a byte that is not UTF-8 cannot be printed as it is.
        strict = {"PYTHONIOENCODING": "utf-8:strict"}
        self._environment = {**scrubbed, **strict, "KAOLABEL_HOME": str(home)}

    def run(self, *arguments: str | bytes) -> str:
        """Run the command, which must succeed; what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "kaolabel", *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout

    def label(self, archive: bytes) -> dict[str, Any]:
        """Label an archive without a model; the summary."""
        summary: dict[str, Any] = json.loads(self.run("label", archive, "--detect-only", "--json"))
        return summary

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query finds in the database."""
        with closing(sqlite3.connect(self.home / "kaolabel.db")) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def kaolabel(home: Path) -> Kaolabel:
    """The command in an empty home."""
    return Kaolabel(home)


def test_names_come_back_byte_exact(kaolabel: Kaolabel, tmp_path: Path) -> None:
    """Whatever bytes a name and its archive's name are made of, the database has the same ones."""
    root = os.path.join(os.fsencode(tmp_path), b"-an \xff\n[/archive]'")
    for number, name in enumerate(NAMES):
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120  # byte-exact
        with open(path, "wb") as file:  # noqa: PTH123  # byte-exact
            file.write(face_png(number))
    summary = kaolabel.label(root)
    assert (summary["images"], summary["with_face"]) == (len(NAMES), len(NAMES))
    assert kaolabel.rows("SELECT root FROM archives") == [(root,)]
    found = kaolabel.rows("SELECT path, outcome FROM images")
    assert sorted(found) == sorted((name, "faces") for name in NAMES)
    assert r"-an \xff" in kaolabel.run("status")
    assert json.loads(kaolabel.run("status", "--json"))["runs"][0]["done"] == len(NAMES)
    kaolabel.run("report", "1", "--out", str(tmp_path / "report.html"))
    assert r"deep \xe9" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_every_hostile_file_ends_in_one_outcome(kaolabel: Kaolabel, dev_data: Path) -> None:
    """Each has exactly one outcome, with a reason where no face is found, and no worker dies."""
    archive = dev_data / "data" / "hostile"
    files = {os.fsencode(path.relative_to(archive)) for path in archive.rglob("*")}
    summary = kaolabel.label(os.fsencode(archive))
    rows = kaolabel.rows(
        "SELECT path, coalesce(images.outcome, detections.outcome),"
        " coalesce(images.reason, detections.reason), due"
        " FROM images LEFT JOIN detections ON detections.id = detection_id"
    )
    assert sorted(path for path, *_ in rows) == sorted(files)
    outcomes = Counter(outcome for _, outcome, _, _ in rows)
    assert outcomes.keys() <= {"faces", "no_face", "unreadable", "quarantined"}
    told = {name: summary[name] for name in ("no_face", "unreadable", "quarantined")}
    assert {name: outcomes[name] for name in told} == told
    assert summary["images"] == len(files) == sum(told.values()) + summary["with_face"]
    assert all(reason for _, outcome, reason, _ in rows if outcome != "faces")
    assert not any(due for *_, due in rows)
    assert kaolabel.rows("SELECT DISTINCT state, attempts FROM jobs") == [("done", 1)]
    log = (kaolabel.home / "logs" / "worker.log").read_text(errors="replace")
    assert not [word for word in ("WorkerLost", "Traceback", "exited prematurely") if word in log]
