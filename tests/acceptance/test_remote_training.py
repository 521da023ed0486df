"""Trainings elsewhere: a real trainer on a real Redis, asked by command, by task and by clock."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.command import Kaolabel, descendants, finish, wait_for
from tests.crops import draw_crops
from training.app import create_training_app
from training.drawn import cast, write_training_folder
from training.settings import TrainingSettings
from worker.broker.embedded import EmbeddedRedis
from worker.broker.messages import TRAIN, TRAIN_AFTER_ANNOTATIONS
from worker.broker.settings import BrokerSettings

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from celery import Celery

# One process after the other: each loads TensorFlow.
pytestmark = [pytest.mark.xdist_group("trainer"), pytest.mark.timeout(600)]


class Cluster:
    """A Redis, a home with its database, and trainers by hand."""

    def __init__(self, folder: Path, server: EmbeddedRedis) -> None:
        self.home = folder / "home"
        self.kaolabel = Kaolabel(
            self.home,
            KAOLABEL_BROKER_URL=server.url,
            KAOLABEL_BACKBONE="seeded",
        )
        self.app: Celery = create_training_app(server.url, BrokerSettings(), TrainingSettings())
        self.crops = draw_crops(folder / "crops", each=6)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query finds in the ledger."""
        return self.kaolabel.query(query)

    def states(self) -> list[str]:
        """The state of every training, oldest first; none before there is a table of them."""
        return [state for (state,) in self.rows("SELECT state FROM trainings ORDER BY id")]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Servers without any trainer."""
    with EmbeddedRedis(tmp_path / "redis") as server:
        cluster = Cluster(tmp_path, server)
        yield cluster
        # Celery leaves open what listens for results.
        cluster.app.backend.result_consumer.stop()
        cluster.app.backend.client.close()
        cluster.app.close()


@pytest.fixture
def trainer(cluster: Cluster) -> Iterator[subprocess.Popen[str]]:
    """A trainer on the cluster."""
    process = cluster.kaolabel.start("trainer")
    yield process
    process.send_signal(signal.SIGTERM)
    finish(process)


def test_a_training_elsewhere_is_followed_to_its_end(
    cluster: Cluster, trainer: subprocess.Popen[str]
) -> None:
    """`train --remote` ends with the published version, which is the active one."""
    result = cluster.kaolabel.json("train", str(cluster.crops), "--crops", "--remote")
    assert trainer.poll() is None
    assert (result["version"], result["active"], result["state"]) == (1, True, "done")
    assert result["labels"] == ["blue", "green", "red"]
    assert [model["active"] for model in cluster.kaolabel.json("models")["models"]] == [True]
    assert cluster.kaolabel.json("status")["trainings"][0]["state"] == "done"
    trainer.send_signal(signal.SIGTERM)
    events = [json.loads(line) for line in finish(trainer).stderr.splitlines()]
    ours = [event for event in events if event["logger"].startswith("training.")]
    assert {(event["level"], event["training"]) for event in ours} == {("info", 1)}
    told = [event["event"].removeprefix("training 1") for event in ours]
    assert (told[0], told[-1]) == (" begins", " is done: passed: it is the first model")
    assert [event["steps"] for event in ours if event["event"].endswith("reading ends")] == [18]


def test_a_task_is_validated_like_the_command(
    cluster: Cluster, trainer: subprocess.Popen[str]
) -> None:
    """Who starts a training by name with JSON gets the same errors, results and progress."""
    assert trainer.poll() is None
    wrong = cluster.app.send_task(TRAIN, kwargs={"foldr": "x"})
    with pytest.raises(Exception, match="a training has no option 'foldr'"):
        wrong.get(timeout=120)
    right = cluster.app.send_task(TRAIN, kwargs={"folder": str(cluster.crops), "crops": True})
    seen = set()
    deadline = time.monotonic() + 240
    while not right.ready():
        assert time.monotonic() < deadline
        if right.state == "PROGRESS":
            seen.add(right.info["stage"])
        time.sleep(0.05)
    result = right.get(timeout=10)
    assert result["version"] == 1
    assert seen
    assert json.loads(json.dumps(result)) == result


def test_a_killed_trainer_leaves_the_active_model_and_no_lock(
    cluster: Cluster, trainer: subprocess.Popen[str]
) -> None:
    """A training whose process dies fails, and the next one starts at once."""
    cluster.kaolabel.json("train", str(cluster.crops), "--crops")
    more = draw_crops(cluster.home / "more", each=60)
    started = cluster.kaolabel.start("train", str(more), "--crops", "--remote", "--force")
    wait_for(lambda: cluster.states() == ["done", "running"], what="the training")
    for child in descendants(trainer, "spawn_main"):
        child.kill()
    done = finish(started)
    assert done.returncode == 1
    assert "its process died" in done.stderr
    assert [model["active"] for model in cluster.kaolabel.json("models")["models"]] == [True]
    result = cluster.kaolabel.json("train", str(more), "--crops", "--remote", "--force")
    assert result["version"] == 2


def test_a_training_waits_for_a_trainer(cluster: Cluster) -> None:
    """A message that is lost is sent again by the first trainer that comes."""
    record = cluster.kaolabel.json("train", str(cluster.crops), "--crops", "--remote", "--detach")
    assert record["state"] == "queued"
    with cluster.app.connection_for_write() as connection:
        assert cluster.app.control.purge(connection=connection) == 1
    process = cluster.kaolabel.start("trainer")
    wait_for(lambda: cluster.states() == ["done"], what="the training", seconds=180)
    process.send_signal(signal.SIGTERM)
    assert "Traceback" not in finish(process).stderr


def test_only_one_training_runs(cluster: Cluster) -> None:
    """A second command learns who is training, and leaves no open row behind."""
    more = draw_crops(cluster.home / "more", each=60)
    first = cluster.kaolabel.start("train", str(more), "--crops")
    wait_for(lambda: cluster.states() == ["running"], what="the training")
    second = cluster.kaolabel.run("train", str(cluster.crops), "--crops")
    assert second.returncode == 2
    assert "training 1 (" in second.stderr
    assert second.stderr.count("\n") == 1
    assert finish(first).returncode == 0
    assert cluster.states() == ["done", "failed"]


def test_enough_annotations_start_a_training(cluster: Cluster, tmp_path: Path) -> None:
    """What people said is learned from once there is enough of it, and only once."""
    archive = tmp_path / "archive"
    write_training_folder(archive, cast(2, seed=1), per_label=6, seed=1)
    alone = Kaolabel(cluster.home, KAOLABEL_BACKBONE="seeded")
    alone.json("label", str(archive), "--detect-only")
    rows = [f"{image},{image.parent.name}" for image in sorted(archive.glob("*/*"))]
    (tmp_path / "said.csv").write_text("\n".join(["image,label", *rows]))
    said = alone.json("annotate", "import", str(tmp_path / "said.csv"), "--skip-bad")
    assert said["added"] >= 8

    process = cluster.kaolabel.start("trainer")
    enough = {"after": 8}
    first = cluster.app.send_task(TRAIN_AFTER_ANNOTATIONS, kwargs=enough).get(timeout=240)
    second = cluster.app.send_task(TRAIN_AFTER_ANNOTATIONS, kwargs=enough).get(timeout=120)
    process.send_signal(signal.SIGTERM)
    finish(process)
    assert (first["version"], first["active"]) == (1, True)
    assert second == {"trained": False, "why": "0 new annotations"}
    assert cluster.rows("SELECT trigger, state FROM trainings") == [("annotations", "done")]
