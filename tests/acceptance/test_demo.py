"""`kaolabel demo`: the first thing that anybody runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.command import Kaolabel, finish

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.timeout(600)
def test_demo_labels_what_it_drew(tmp_path: Path) -> None:
    """At least 95% of the known characters that are alone in a scene get their label."""
    out = tmp_path / "demo"
    done = finish(Kaolabel(tmp_path / "unused").start("demo", "--out", str(out)), timeout=500)
    assert done.returncode == 0, done.stderr
    result = json.loads((out / "result.json").read_text())
    right, of = result["known_right"]
    assert of >= 200
    assert right / of >= 0.95, done.stdout
    assert result["images"] >= 300
    assert result["unreadable"] == 10
    assert result["quarantined"] == 0
    unknown, strangers = result["strangers_unknown"]
    assert 0 < unknown <= strangers
    assert (out / "report.html").stat().st_size > 100_000


def test_demo_leaves_other_folders_alone(tmp_path: Path) -> None:
    """A folder that holds something else is refused in one line and stays as it is."""
    (tmp_path / "thesis.txt").write_text("years of work")
    done = Kaolabel(tmp_path / "unused").run("demo", "--out", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith("kaolabel: ")
    assert len(done.stderr.splitlines()) == 1
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
