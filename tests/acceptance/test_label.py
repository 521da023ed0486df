"""`kaolabel label` as its users run it, undisturbed and disturbed; the rows are always the same."""

from __future__ import annotations

import os
import shutil
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from numpy.random import PCG64, Generator

from tests.command import Kaolabel, descendants, finish, wait_for
from tests.homes import HOMES
from training.drawn import cast, write_archive, write_training_folder
from training.spoil import spoil
from worker.broker.embedded import EmbeddedRedis

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgres import Postgres

# One process has the stage set for all of them.
pytestmark = pytest.mark.xdist_group("label")

SCENES = 90


@dataclass(frozen=True, slots=True)
class Stage:
    """A trained home that is never labelled in, an archive, and an undisturbed run's findings."""

    home: Path
    archive: Path
    summary: dict[str, Any]
    rows: list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Three drawn characters, a model of them, and a labelled archive."""
    folder = tmp_path_factory.mktemp("stage")
    people = cast(5, seed=3)
    write_training_folder(folder / "training", people[:3], per_label=8, seed=4)
    write_archive(folder / "archive", people[:3], people[3:], scenes=SCENES, seed=5)
    spoil(folder / "archive", rng=Generator(PCG64(6)))
    trained = Kaolabel(folder / "trained")
    trained.json("train", str(folder / "training"), "--backbone", "seeded")
    home = folder / "labelled"
    HOMES.copy(folder / "trained", home)
    labelled = Kaolabel(home)
    summary = labelled.json("label", str(folder / "archive"))
    return Stage(folder / "trained", folder / "archive", summary, labelled.rows())


@pytest.fixture
def kaolabel(stage: Stage, tmp_path: Path) -> Kaolabel:
    """The command in a trained home of the test's own."""
    home = tmp_path / "home"
    HOMES.copy(stage.home, home)
    return Kaolabel(home)


def done(kaolabel: Kaolabel) -> int:
    """How many images have an outcome by now."""
    return len(kaolabel.query("SELECT id FROM images WHERE NOT due"))


def label_until_under_way(kaolabel: Kaolabel, archive: Path) -> subprocess.Popen[str]:
    """Start `label` and wait until some images are done and many are not."""
    process = kaolabel.start("label", str(archive), "--json")
    wait_for(lambda: done(kaolabel) > 0, what="the first finished job")
    return process


def test_counts_describe_the_archive(stage: Stage) -> None:
    """Every file is counted in exactly one outcome, every face under one label or as unknown."""
    found = stage.summary
    outcomes = ("with_face", "no_face", "unreadable", "quarantined")
    assert sum(found[name] for name in outcomes) == found["images"]
    assert found["images"] == sum(1 for path in stage.archive.rglob("*") if path.is_file())
    assert sum(found["labels"].values()) + found["unknown"] == found["faces"]
    assert found["decoded"] == found["contents"] < found["images"]
    assert found["unreadable"] == 10


def test_a_second_run_decodes_nothing(stage: Stage, kaolabel: Kaolabel) -> None:
    """A second run of an unchanged archive reports the same counts and decodes nothing."""
    first = kaolabel.json("label", str(stage.archive))
    second = kaolabel.json("label", str(stage.archive))
    varying = {"run": 2, "decoded": 0, "seconds": second["seconds"]}
    varying["images_per_second"] = second["images_per_second"]
    assert second == {**first, **varying}


def test_faces_found_before_training_are_classified_later(stage: Stage, tmp_path: Path) -> None:
    """Faces stored with --detect-only get their labels after a training, without decoding."""
    kaolabel = Kaolabel(tmp_path / "home")
    found = kaolabel.json("label", str(stage.archive), "--detect-only")
    assert found["labels"] == {}
    assert found["unscored"] == found["faces"] == stage.summary["faces"]
    training = stage.archive.parent / "training"
    kaolabel.json("train", str(training), "--backbone", "seeded")
    again = kaolabel.json("label", str(stage.archive))
    assert again["decoded"] == 0
    assert again["labels"] == stage.summary["labels"]
    assert kaolabel.rows() == stage.rows


@pytest.mark.parametrize("victims", ["worker.entry", "sandbox.child", "redis-server"])
def test_killed_processes_change_nothing(stage: Stage, kaolabel: Kaolabel, victims: str) -> None:
    """With workers, decoders or Redis killed in the middle, the run finishes with equal rows."""
    process = label_until_under_way(kaolabel, stage.archive)
    for victim in descendants(process, victims):
        victim.kill()
    ended = finish(process)
    assert ended.returncode == 0, ended.stderr
    assert kaolabel.rows() == stage.rows


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_is_resumed(
    stage: Stage, kaolabel: Kaolabel, how: signal.Signals
) -> None:
    """After Ctrl-C nothing is left running, and `resume` finishes the run with equal rows."""
    process = label_until_under_way(kaolabel, stage.archive)
    family = descendants(process, "")
    process.send_signal(how)
    ended = finish(process)
    assert ended.returncode == 130
    assert "resume 1" in ended.stderr
    assert "Traceback" not in ended.stderr
    wait_for(lambda: not any(one.is_running() for one in family), what="the end of all processes")
    assert done(kaolabel) < len(stage.rows)
    resumed = kaolabel.json("resume")
    assert resumed["run"] == 1
    assert kaolabel.rows() == stage.rows


def test_an_archive_that_vanishes_stops_the_run(
    stage: Stage, kaolabel: Kaolabel, tmp_path: Path
) -> None:
    """A folder renamed in the middle stops the run in one line; put back, `resume` finishes it."""
    archive, away = tmp_path / "archive", tmp_path / "away"
    shutil.copytree(stage.archive, archive)
    process = label_until_under_way(kaolabel, archive)
    archive.rename(away)
    ended = finish(process)
    assert ended.returncode != 0
    lines = [line for line in ended.stderr.splitlines() if line.startswith("kaolabel:")]
    assert len(lines) == 1
    assert "is gone" in lines[0]
    unreadable = [row for row in kaolabel.rows() if row[2] == "vanished"]
    assert unreadable == []
    away.rename(archive)
    kaolabel.json("resume")
    assert kaolabel.rows() == stage.rows


@pytest.fixture
def cluster(stage: Stage, postgres: Postgres, tmp_path: Path) -> Iterator[Kaolabel]:
    """A Redis and a PostgreSQL that run elsewhere, and two workers started by hand."""
    home = tmp_path / "home"
    with EmbeddedRedis(tmp_path / "elsewhere") as redis, postgres.lend(empty=True) as url:
        kaolabel = Kaolabel(home, KAOLABEL_BROKER_URL=redis.url, KAOLABEL_DATABASE_URL=url)
        kaolabel.json("train", str(stage.archive.parent / "training"), "--backbone", "seeded")
        workers = [kaolabel.start("worker", "--decoders", "1") for _ in range(2)]
        try:
            yield kaolabel
        finally:
            for worker in workers:
                worker.terminate()
            for worker in workers:
                finish(worker)


def test_a_cluster_finds_the_same(stage: Stage, cluster: Kaolabel) -> None:
    """With a Redis, a PostgreSQL and two workers of its own, a run gives the same rows."""
    found = cluster.json("label", str(stage.archive))
    assert found["faces"] == stage.summary["faces"]
    assert cluster.rows() == stage.rows


def test_new_changed_and_deleted_files_are_noticed(
    stage: Stage, kaolabel: Kaolabel, tmp_path: Path
) -> None:
    """A later run decodes what is new or changed, and counts no file that is gone."""
    archive = tmp_path / "archive"
    shutil.copytree(stage.archive, archive)
    first = kaolabel.json("label", str(archive))
    pictures = sorted(path for path in archive.rglob("*.jpg") if path.stat().st_size > 10_000)
    pictures[0].unlink()
    data = pictures[1].read_bytes()
    pictures[1].write_bytes(data + b"\0")
    os.utime(pictures[2])
    shutil.copy(pictures[3], archive / "again.jpg")
    second = kaolabel.json("label", str(archive))
    assert second["images"] == first["images"]
    assert second["decoded"] == 1
