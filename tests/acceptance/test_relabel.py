"""`kaolabel relabel` as its users run it: after a second training, without the images, killed."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from tests.command import Kaolabel, descendants, finish, wait_for
from tests.homes import HOMES
from training.drawn import cast, write_archive, write_training_folder

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

# One process has the stage set for all of them.
pytestmark = pytest.mark.xdist_group("relabel")

SCENES = 60

# By natural keys and version; nothing else may differ between two ways to the same end.
PREDICTIONS = """
SELECT face_id, version_id, label, confidence, unknown, top FROM predictions
ORDER BY face_id, version_id
"""
EMBEDDINGS = "SELECT face_id, embedder_id, vector FROM embeddings ORDER BY face_id, embedder_id"
ANNOTATIONS = "SELECT face_id, kind, label, author FROM annotations ORDER BY face_id"
ANNOTATE = """
INSERT INTO annotations (face_id, kind, label, author, created_at)
SELECT min(id), 'is', 'Somebody', 'me', 0 FROM faces
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """A home with a labelled archive and a second model of another embedder.

    Attributes:
        home: not yet relabelled.
        archive: the images; they are not there while anything is relabelled.
        relabelled: a home in which nothing disturbed the relabelling.
        summary: what the command said there.
    """

    home: Path
    archive: Path
    relabelled: Path
    summary: dict[str, Any]


def rows(home: Path, query: str) -> list[tuple[Any, ...]]:
    """What a query gives."""
    return Kaolabel(home).query(query)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """An archive that was labelled, a face that was annotated, a model that came later."""
    folder = tmp_path_factory.mktemp("stage")
    people = cast(5, seed=3)
    write_training_folder(folder / "few", people[:2], per_label=6, seed=4)
    write_training_folder(folder / "more", people[:3], per_label=8, seed=5)
    write_archive(folder / "archive", people[:3], people[3:], scenes=SCENES, seed=6)
    home, archive = folder / "home", folder / "archive"
    kaolabel = Kaolabel(home)
    kaolabel.json("train", str(folder / "few"), "--backbone", "seeded")
    kaolabel.json("label", str(archive))
    with kaolabel.database() as database, database.write() as connection:
        connection.execute(text(ANNOTATE))
    arguments = ("--backbone", "seeded", "--taps", "mixed2", "--force")
    kaolabel.json("train", str(folder / "more"), *arguments)
    archive.rename(folder / "away")
    HOMES.copy(home, folder / "relabelled")
    summary = Kaolabel(folder / "relabelled").json("relabel")
    return Stage(home, archive, folder / "relabelled", summary)


@pytest.fixture
def kaolabel(stage: Stage, tmp_path: Path) -> Kaolabel:
    """The command in a home of the test's own, with everything before the relabelling."""
    HOMES.copy(stage.home, tmp_path / "home")
    return Kaolabel(tmp_path / "home")


def relabel_until_under_way(kaolabel: Kaolabel) -> subprocess.Popen[str]:
    """Start `relabel` and wait until a worker has taken a job."""
    process = kaolabel.start("relabel", "--json")
    query = "SELECT count(*) FROM jobs WHERE state = 'leased'"
    wait_for(lambda: rows(kaolabel.home, query)[0][0], what="the first claim")
    return process


def test_faces_are_relabelled_without_their_images(stage: Stage) -> None:
    """With the archive gone, every face gets a prediction and an embedding by the new model."""
    faces = rows(stage.relabelled, "SELECT count(*) FROM faces")[0][0]
    assert faces > SCENES // 2
    found = stage.summary
    assert (found["version"], found["faces"], found["relabelled"]) == (2, faces, faces)
    assert (found["skipped"], found["complaints"]) == (0, [])
    for query in (PREDICTIONS, EMBEDDINGS):
        assert len(rows(stage.relabelled, query)) == 2 * faces


def test_earlier_predictions_and_annotations_stay(stage: Stage) -> None:
    """Relabelling adds rows; what was there is there, to the last digit."""
    for query in (PREDICTIONS, EMBEDDINGS):
        before = set(rows(stage.home, query))
        assert before < set(rows(stage.relabelled, query))
    assert rows(stage.relabelled, ANNOTATIONS) == rows(stage.home, ANNOTATIONS)
    assert stage.summary["annotated"] == 1


def test_a_relabelled_archive_has_nothing_due(stage: Stage, tmp_path: Path) -> None:
    """Neither a second relabelling nor labelling the archive again finds anything to do."""
    home = tmp_path / "home"
    HOMES.copy(stage.relabelled, home)
    kaolabel = Kaolabel(home)
    assert kaolabel.json("relabel")["relabelled"] == 0
    jobs = rows(home, "SELECT count(*) FROM jobs")
    away = stage.archive.with_name("away")
    away.rename(stage.archive)
    try:
        found = kaolabel.json("label", str(stage.archive))
    finally:
        stage.archive.rename(away)
    assert found["decoded"] == 0
    assert sum(found["labels"].values()) + found["unknown"] == found["faces"]
    assert rows(home, "SELECT count(*) FROM jobs") == jobs


def test_a_killed_worker_changes_nothing(stage: Stage, kaolabel: Kaolabel) -> None:
    """With its worker killed in the middle of a job, a relabelling ends with equal rows."""
    process = relabel_until_under_way(kaolabel)
    for victim in descendants(process, "worker.entry"):
        victim.kill()
    ended = finish(process)
    assert ended.returncode == 0, ended.stderr
    assert rows(kaolabel.home, "SELECT max(attempts) FROM jobs")[0][0] > 1
    for query in (PREDICTIONS, EMBEDDINGS):
        assert rows(kaolabel.home, query) == rows(stage.relabelled, query)


@pytest.mark.parametrize("command", ["relabel", "resume"])
def test_an_interrupted_relabelling_goes_on(stage: Stage, kaolabel: Kaolabel, command: str) -> None:
    """After Ctrl-C the same command, or `resume`, takes the same relabelling to its end."""
    process = relabel_until_under_way(kaolabel)
    process.send_signal(signal.SIGINT)
    ended = finish(process)
    assert ended.returncode == 130, ended.stderr
    query = "SELECT id, state FROM runs WHERE kind = 'relabel'"
    ((run, state),) = rows(kaolabel.home, query)
    assert state == "stopped"
    assert f"resume {run}" in ended.stderr
    assert kaolabel.json(command)["run"] == run
    assert rows(kaolabel.home, PREDICTIONS) == rows(stage.relabelled, PREDICTIONS)


def test_an_earlier_version_is_told_from_the_active_one(kaolabel: Kaolabel) -> None:
    """A relabelling by another version than the active one is done as asked, and said so."""
    ended = kaolabel.run("relabel", "--version", "1")
    assert ended.returncode == 0, ended.stderr
    assert "relabelled now" in ended.stdout
    assert "The active model is version 2, not 1" in ended.stderr
    unknown = kaolabel.run("relabel", "--version", "9")
    assert unknown.returncode == 2
    assert "kaolabel models" in unknown.stderr
