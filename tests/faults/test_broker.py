"""A Redis that dies, forgets, falls silent or fills up while workers and command need it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from producer.enqueue import HIGH_WATER
from tests.command import wait_for
from tests.faults.cluster import Cluster
from tests.faults.haste import hasty, slow
from tests.faults.labelling import dice

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.conftest import Archive
    from tests.faults.labelling import Labelling
    from tests.faults.services import RedisServer, Worker

pytestmark = pytest.mark.xdist_group("faults")

_MARATHON = (pytest.mark.marathon, pytest.mark.timeout(1800))


@pytest.mark.thorough
def test_redis_is_killed_again_and_again(
    tmp_path: Path,
    postgres_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
    seed: int,
) -> None:
    """After each of five deaths of Redis, each worker takes jobs again without being restarted."""
    archive, rng = archives(1000), dice(seed)
    with Cluster(tmp_path / "cluster", postgres_url, workers=2, hooks=slow()) as cluster:
        labelling = cluster.label(archive.folder)
        for _ in labelling.moments(5, rng):
            labelling.fault(lambda: _restart(cluster.redis))
            _recover(labelling)
        labelling.finish()
        verdict(labelling, archive)
        assert [worker.starts for worker in cluster.workers] == [1, 1]


def test_redis_is_killed_and_its_data_is_gone(
    tmp_path: Path,
    sqlite_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
) -> None:
    """All messages are published again, to a Redis that knows of nothing."""
    archive = archives(100)
    with Cluster(tmp_path / "cluster", sqlite_url, hooks=hasty(**slow())) as cluster:
        labelling = cluster.label(archive.folder)
        labelling.until(20)
        labelling.fault(lambda: _replace(cluster.redis))
        labelling.finish()
        verdict(labelling, archive)
        assert cluster.workers[0].starts == 1


def test_redis_is_flushed(
    tmp_path: Path,
    postgres_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
) -> None:
    """All messages are published again, to a Redis that somebody has emptied twice."""
    archive = archives(100)
    with Cluster(tmp_path / "cluster", postgres_url, hooks=hasty(**slow())) as cluster:
        labelling = cluster.label(archive.folder)
        for images in (20, 60):
            labelling.until(images)
            labelling.fault(lambda: _flush(cluster.redis))
        labelling.finish()
        verdict(labelling, archive)
        assert cluster.workers[0].starts == 1


@pytest.mark.thorough
@pytest.mark.parametrize("seconds", [45.0, pytest.param(600.0, marks=_MARATHON)])
@pytest.mark.parametrize("frozen", [False, True], ids=["refusing", "silent"])
def test_redis_is_away_for_long(
    tmp_path: Path,
    postgres_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
    *,
    seconds: float,
    frozen: bool,
) -> None:
    """Without Redis no process exits, the command cuts no more jobs than ever, and all go on."""
    archive = archives(1000)
    cluster = Cluster(
        tmp_path / "cluster",
        postgres_url,
        workers=2,
        hooks=slow(),
        # Less than Redis is away: nobody reads that the last job before was done in time.
        KAOLABEL_TASK_TIME_LIMIT="40",
    )
    with cluster:
        labelling = cluster.label(archive.folder)
        labelling.until(100)
        children = [worker.children for worker in cluster.workers]
        # A process that is stopped takes connections and never answers.
        labelling.fault(cluster.redis.freeze if frozen else cluster.redis.stop)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            assert cluster.value("SELECT count(*) FROM jobs WHERE state <> 'done'") <= HIGH_WATER
            assert labelling.command.alive
            time.sleep(1.0)
        labelling.mend(cluster.redis.thaw if frozen else cluster.redis.start)
        _recover(labelling)
        labelling.finish()
        verdict(labelling, archive)
        assert [worker.starts for worker in cluster.workers] == [1, 1]
        assert [worker.children for worker in cluster.workers] == children


@pytest.mark.thorough
@pytest.mark.parametrize("forgotten", [False, True], ids=["a lost route", "a lost table"])
def test_packets_to_redis_are_lost(
    tmp_path: Path,
    sqlite_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
    *,
    forgotten: bool,
) -> None:
    """Connections that are open at one end only are noticed, by each worker and the command."""
    archive = archives(1000)
    hooks = slow()
    with Cluster(tmp_path / "cluster", sqlite_url, workers=2, proxied=True, hooks=hooks) as cluster:
        proxy = cluster.broker_proxy
        assert proxy is not None
        labelling = cluster.label(archive.folder)
        labelling.until(100)
        if forgotten:
            labelling.fault(proxy.forget)
        else:
            labelling.fault(proxy.drop)
            time.sleep(40.0)
            labelling.mend(proxy.restore)
        _recover(labelling)
        labelling.finish()
        verdict(labelling, archive)


@pytest.mark.thorough
def test_redis_is_full(
    tmp_path: Path,
    sqlite_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
) -> None:
    """A Redis that takes nothing for a minute costs workers, which are restarted, but no image."""
    archive = archives(1000)
    with Cluster(tmp_path / "cluster", sqlite_url, workers=2, hooks=slow()) as cluster:
        labelling = cluster.label(archive.folder)
        labelling.until(100)
        labelling.fault(lambda: _limit(cluster.redis, "1"))
        time.sleep(60.0)
        labelling.mend(lambda: _limit(cluster.redis, "0"))
        _recover(labelling)
        labelling.finish()
        verdict(labelling, archive)


def _recover(labelling: Labelling) -> None:
    """Wait until each worker has taken one more job, or none is left; notes how long it took."""
    cluster, began = labelling.cluster, time.monotonic()
    before = {worker: _claims(cluster, worker) for worker in cluster.workers}
    for _ in labelling.ticks():
        if all(_claims(cluster, worker) > claims for worker, claims in before.items()):
            labelling.recovery = max(labelling.recovery, time.monotonic() - began)
            return


def _claims(cluster: Cluster, worker: Worker) -> int:
    """How many jobs a worker's child holds or was the last to hold."""
    query = "SELECT count(*) FROM jobs WHERE worker LIKE '%:' || :pid"
    return sum(int(cluster.value(query, pid=str(child.pid))) for child in worker.children)


def _restart(redis: RedisServer) -> None:
    """Kill it, and wait until the supervisor has started it again."""
    starts = redis.starts
    redis.kill()
    wait_for(lambda: redis.starts > starts, what="a new Redis")


def _replace(redis: RedisServer) -> None:
    redis.stop()
    redis.lose_data()
    redis.start()


def _flush(redis: RedisServer) -> None:
    with redis.client() as client:
        client.flushall()


def _limit(redis: RedisServer, memory: str) -> None:
    with redis.client() as client:
        client.config_set("maxmemory", memory)
