"""Workers that are killed in the middle of their jobs, and messages that come more than once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.command import wait_for
from tests.faults.cluster import Cluster
from tests.faults.haste import hasty, slow
from tests.faults.labelling import dice
from tests.faults.watch import wait_for_log, wait_for_work, written
from worker.broker.messages import LABEL_QUEUE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.conftest import Archive
    from tests.faults.labelling import Labelling

pytestmark = pytest.mark.xdist_group("faults")


def test_a_worker_tree_is_killed(
    tmp_path: Path,
    ledger_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
    seed: int,
) -> None:
    """A worker that is killed with all its processes costs nothing but time."""
    archive, rng = archives(100), dice(seed)
    with Cluster(tmp_path / "cluster", ledger_url, workers=2, hooks=hasty(**slow())) as cluster:
        labelling = cluster.label(archive.folder)
        for _ in labelling.moments(2, rng, within=1.0):
            labelling.fault(rng.choice(cluster.workers).kill)
        labelling.finish()
        verdict(labelling, archive)


@pytest.mark.thorough
def test_worker_trees_are_killed_again_and_again(
    tmp_path: Path,
    postgres_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
    seed: int,
) -> None:
    """Twenty deaths of one of two workers, with the leases that users have, lose nothing."""
    archive, rng = archives(1000), dice(seed)
    with Cluster(tmp_path / "cluster", postgres_url, workers=2, hooks=slow()) as cluster:
        labelling = cluster.label(archive.folder)
        for _ in labelling.moments(20, rng):
            labelling.fault(rng.choice(cluster.workers).kill)
        labelling.finish()
        verdict(labelling, archive)


@pytest.mark.parametrize(
    ("times", "files"), [(1, 100), pytest.param(20, 1000, marks=pytest.mark.thorough)]
)
def test_a_workers_child_is_killed(
    tmp_path: Path,
    sqlite_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
    seed: int,
    *,
    times: int,
    files: int,
) -> None:
    """A child that is killed in the middle of a job is replaced; its parent lives on."""
    archive, rng = archives(files), dice(seed)
    with Cluster(tmp_path / "cluster", sqlite_url, hooks=slow()) as cluster:
        labelling = cluster.label(archive.folder)
        for _ in labelling.moments(times, rng):
            labelling.fault(wait_for_work(cluster).kill)
        labelling.finish()
        verdict(labelling, archive)
        assert cluster.workers[0].starts == 1
        assert cluster.value("SELECT max(attempts) FROM jobs") > 1


def test_a_worker_dies_with_a_message_that_redis_no_longer_has(
    tmp_path: Path,
    postgres_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
) -> None:
    """Messages taken from Redis and not yet noted as unacknowledged are sent again."""
    archive = archives(100)
    hooks = hasty(die_in_append={"times": 2})
    with Cluster(tmp_path / "cluster", postgres_url, hooks=hooks) as cluster:
        labelling = cluster.label(archive.folder)
        labelling.finish()
        verdict(labelling, archive)
        assert cluster.fired == 2


def test_a_worker_dies_between_commit_and_acknowledgement(
    tmp_path: Path,
    postgres_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
) -> None:
    """The message of a job that is done comes again, and changes not one row."""
    archive = archives(100)
    hooks = hasty(die_after_commit={"times": 1})
    with Cluster(tmp_path / "cluster", postgres_url, hooks=hooks) as cluster:
        labelling = cluster.label(archive.folder)
        labelling.finish()
        verdict(labelling, archive)
        assert cluster.fired == 1
        before = written(cluster)
        tasks = _redeliver(cluster)
        assert tasks
        for task in tasks:
            wait_for_log(cluster.workers, f"[{task}] succeeded")
        assert written(cluster) == before


def test_each_message_is_sent_ten_times(
    tmp_path: Path,
    postgres_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
) -> None:
    """A job is done once, however often its message is delivered, and to whomever."""
    archive = archives(100)
    hooks = {**slow(), "publish_often": {"times": 10}}
    with Cluster(tmp_path / "cluster", postgres_url, workers=2, hooks=hooks) as cluster:
        labelling = cluster.label(archive.folder)
        labelling.finish()
        before = written(cluster)
        wait_for(lambda: _messages(cluster) == 0, what="the end of all messages")
        verdict(labelling, archive)
        assert written(cluster) == before
        assert cluster.value("SELECT min(attempts) + max(generation) FROM jobs") == 2


def _redeliver(cluster: Cluster) -> list[str]:
    """Have Redis take every unacknowledged message for forgotten; the ids of their tasks."""
    with cluster.redis.client() as client:
        found = client.hgetall("unacked")
        client.zadd("unacked_index", dict.fromkeys(found, 0.0))
    return [json.loads(raw)[0]["headers"]["id"] for raw in found.values()]


def _messages(cluster: Cluster) -> int:
    """How many messages Redis still has, delivered ones included."""
    with cluster.redis.client() as client:
        return int(client.llen(LABEL_QUEUE)) + int(client.hlen("unacked"))
