"""`kaolabel models diff`, as people run it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.colours import RED, colour_crop
from tests.command import Kaolabel
from tests.ledger import content, face, job_result
from tests.models import NOWHERE, evidence_of, publish_live, small_artifact, small_head
from worker.models import artifact as artifacts

if TYPE_CHECKING:
    from pathlib import Path

    from db.records import FaceResult
    from tests.ledger import Ledger

FACES = 40


@pytest.fixture
def kaolabel(home_ledger: Ledger, home: Path) -> Kaolabel:
    """Two versions of random heads, the second of which is active, and faces of random features."""
    for seed in (0, 1):
        head = small_head(seed=seed)
        artifact = small_artifact(head, spec=NOWHERE, evidence=evidence_of(head))
        artifacts.save(artifact, artifacts.stored_path(artifact.sha256, home=home))
        publish_live(home_ledger.database, artifact, why="a test")
    rng = np.random.default_rng(0)
    found = content(b"image", *(_face(rng) for _ in range(FACES)))
    claim = home_ledger.take(home_ledger.run(), b"image.png")
    home_ledger.commit(claim, replace(job_result([found]), embedder=NOWHERE.id))
    return Kaolabel(home)


def _face(rng: np.random.Generator) -> FaceResult:
    vector = rng.normal(size=NOWHERE.dimension).astype("<f2").tobytes()
    return replace(face(embedding=vector), crop=colour_crop(RED))


def test_people_see_what_would_change(kaolabel: Kaolabel, tmp_path: Path) -> None:
    """A table on standard output, and a page; no backbone is needed."""
    out = tmp_path / "diff.html"
    done = kaolabel.run("models", "diff", "1", "active", "--html", str(out))
    assert done.returncode == 0, done.stderr
    assert done.stderr == f"{out} is written; open it in a browser.\n"
    assert f"of {FACES} faces" in done.stdout
    assert "from version 1 to 2" in done.stdout
    assert "data:image/webp" in out.read_text(encoding="utf-8")


def test_programs_get_all_numbers(kaolabel: Kaolabel) -> None:
    """The JSON object adds up, and a version does not differ from itself."""
    found = kaolabel.json("models", "diff", "1", "2")
    changed = sum(change["faces"] for change in found["changes"])
    assert found["faces"] == found["stored"] == FACES
    assert 0 < changed == found["changed"] == FACES - found["unchanged"]
    same = kaolabel.json("models", "diff", "2", "active", "--sample", "10")
    assert (same["changes"], same["changed_share"], same["stored"]) == ([], 0, FACES)
    assert 5 <= same["faces"] <= 15


def test_what_cannot_be_compared_is_one_line(kaolabel: Kaolabel, home: Path) -> None:
    """A version that is not there, a sample of none, a folder as page and a lost artifact."""
    for code, arguments, words in (
        (2, ("1", "9"), "there is no model version '9'"),
        (2, ("1", "2", "--sample", "0"), "--sample"),
        (2, ("1", "2", "--html", str(home)), "name another file with --html"),
    ):
        done = kaolabel.run("models", "diff", *arguments)
        assert done.returncode == code
        assert words in done.stderr
        assert done.stderr.count("\n") == 1
    shutil.rmtree(home / "models")
    done = kaolabel.run("models", "diff", "1", "2")
    assert done.returncode == 5
    assert done.stderr.count("\n") == 1
    assert "cannot be used" in done.stderr
