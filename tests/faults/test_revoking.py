"""Tasks that somebody revokes in Flower: jobs are done all the same, trainings are not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.command import wait_for
from tests.crops import draw_crops
from tests.faults.cluster import Cluster
from tests.faults.haste import hasty, slow
from tests.faults.watch import wait_for_log, wait_for_work
from tests.watcher import Flower
from worker.broker.messages import LABEL_JOB, LABEL_QUEUE, TRAIN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.conftest import Archive
    from tests.faults.labelling import Labelling

pytestmark = pytest.mark.xdist_group("faults")


def test_revoked_jobs_are_done_all_the_same(
    tmp_path: Path,
    sqlite_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
) -> None:
    """Jobs whose messages were revoked come again in others, also one whose process was ended."""
    archive = archives(100)
    with (
        Cluster(tmp_path / "cluster", sqlite_url, hooks=hasty(**slow())) as cluster,
        Flower(cluster.environment, tmp_path) as watching,
    ):
        labelling = cluster.label(archive.folder)
        wait_for_work(cluster)
        for task in _queued(cluster):
            watching.revoke(task)
        (running,) = wait_for(lambda: _running(watching), what="a task under way")
        labelling.fault(lambda: watching.revoke(running, "?terminate=true&signal=SIGKILL"))
        wait_for_log(cluster.workers, "revoked task")
        labelling.finish()
        verdict(labelling, archive)
        assert cluster.workers[0].starts == 1


def _queued(cluster: Cluster) -> list[str]:
    """The tasks whose messages no worker has taken yet."""
    with cluster.redis.client() as client:
        messages = client.lrange(LABEL_QUEUE, 0, -1)
    return [json.loads(message)["headers"]["id"] for message in messages]


def _running(watching: Flower) -> list[str]:
    return [task["uuid"] for task in watching.tasks(LABEL_JOB) if task["state"] == "STARTED"]


def test_what_is_revoked_without_a_trainer_never_begins(tmp_path: Path, sqlite_url: str) -> None:
    """A trainer that comes later drops the message, and closes its training in the ledger."""
    crops = str(draw_crops(tmp_path / "crops", each=1))
    with (
        Cluster(tmp_path / "cluster", sqlite_url, workers=0) as cluster,
        Flower(cluster.environment, tmp_path) as watching,
    ):
        asked = cluster.command("train", crops, "--crops", "--remote", "--detach")
        asked.launch()
        assert asked.wait(60) == 0, cluster.logs()
        (task,) = wait_for(lambda: watching.tasks(TRAIN), what="the message")
        watching.revoke(task["uuid"])
        trainer = cluster.command("trainer")
        trainer.start()
        state = "SELECT state FROM trainings"
        wait_for(lambda: cluster.value(state) != "queued", what="the trainer's word")
        assert watching.result(task["uuid"])["state"] == "REVOKED"
        trainer.stop()
        assert cluster.value(state) == "revoked"
