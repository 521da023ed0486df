"""Results of tasks, which watchers read: work is done with them and without."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sqlalchemy import text

from tests.command import wait_for
from tests.crops import draw_crops
from tests.faults.cluster import Cluster
from tests.faults.watch import wait_for_log, wait_for_work
from tests.ledger import EMBEDDER, Ledger, face
from tests.models import publish_live, small_artifact, small_head
from worker.models import artifact

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.services import Child

pytestmark = pytest.mark.xdist_group("faults")


def test_a_relabelling_needs_no_results(tmp_path: Path, sqlite_url: str) -> None:
    """Its jobs are done while Redis is away, once; what came of them is told when it is back."""
    gate = tmp_path / "gate"
    hook = {"hold": {"call": "worker.relabelling.relabel", "until": str(gate)}}
    with Cluster(tmp_path / "cluster", sqlite_url, hooks=hook) as cluster:
        faces = _faces_and_a_model(cluster)
        relabel = cluster.command("relabel", "--json")
        relabel.launch()
        wait_for_work(cluster)
        cluster.redis.stop()
        gate.touch()
        done = "SELECT count(*) FROM jobs WHERE state = 'done'"
        wait_for(lambda: cluster.value(done), what="a job's end")
        wait_for_log(cluster.workers, "not told")
        cluster.redis.start()
        assert relabel.wait(120) == 0, cluster.logs()
        stored = wait_for(lambda: _results(cluster, "SUCCESS"), what="a result")
        query = "SELECT count(*), count(DISTINCT face_id) FROM predictions"
        assert cluster.database.fetch(lambda c: tuple(c.execute(text(query)).one())) == (faces,) * 2
        assert cluster.value("SELECT max(attempts) FROM jobs") == 1
        assert cluster.workers[0].starts == 1
    assert {one["result"]["state"] for one in stored} == {"done"}


def _faces_and_a_model(cluster: Cluster, count: int = 300) -> int:
    """Fill the ledger with embedded faces, and a model that has not seen them; how many."""
    ledger, head = Ledger(cluster.database), small_head()
    vectors = np.random.default_rng(0).normal(size=(count, head.dimension)).astype("<f2")
    ledger.faces(*(face(None, embedding=row.tobytes()) for row in vectors))
    made = small_artifact(head)
    artifact.save(made, artifact.stored_path(made.sha256, home=cluster.home))
    publish_live(cluster.database, made, why="a test")
    # The faces were stored by an embedder of another name.
    ledger.execute(
        "UPDATE embeddings SET embedder_id = (SELECT embedder_id FROM model_versions)"
        " WHERE embedder_id = (SELECT id FROM embedders WHERE name = :name)",
        name=EMBEDDER,
    )
    return count


def _results(cluster: Cluster, state: str) -> list[dict[str, Any]]:
    """The stored results of tasks in a state."""
    with cluster.redis.client() as client:
        stored = [client.get(key) for key in client.scan_iter("celery-task-meta-*")]
    found = [json.loads(one) for one in stored if isinstance(one, bytes)]
    return [one for one in found if one["status"] == state]


@pytest.mark.thorough
def test_a_training_needs_no_results(tmp_path: Path, sqlite_url: str) -> None:
    """It ends well while Redis is away, and its trainer takes the next one when that is back."""
    gate = tmp_path / "gate"
    hook = {"hold": {"call": "training.trainer.train", "until": str(gate)}}
    crops = str(draw_crops(tmp_path / "crops", each=6))
    with Cluster(tmp_path / "cluster", sqlite_url, workers=0, hooks=hook) as cluster:
        cluster.environment["KAOLABEL_BACKBONE"] = "seeded"
        trainer = cluster.command("trainer")
        trainer.start()
        first = _train(cluster, crops)
        running = "SELECT count(*) FROM trainings WHERE state = 'running' AND stage = 'reading'"
        wait_for(lambda: cluster.value(running), what="the training")
        cluster.redis.stop()
        gate.touch()
        done = "SELECT count(*) FROM trainings WHERE state = 'done'"
        wait_for(lambda: cluster.value(done) == 1, what="the training's end")
        assert first.alive
        cluster.redis.start()
        assert first.wait(60) == 0, cluster.logs()
        assert _train(cluster, crops).wait(240) == 0, cluster.logs()
        assert cluster.value(done) == 2
        assert trainer.alive
        trainer.stop()


def _train(cluster: Cluster, crops: str) -> Child:
    command = cluster.command("train", crops, "--crops", "--remote")
    command.launch()
    return command
