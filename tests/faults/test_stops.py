"""Workers that stand still, or are asked to stop, in the middle of their jobs."""

from __future__ import annotations

import signal
import time
from functools import partial
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]  # psutil ships no types
import pytest

from tests.command import wait_for
from tests.faults.cluster import Cluster
from tests.faults.haste import hasty, slow
from tests.faults.labelling import dice
from tests.faults.watch import wait_for_log, wait_for_work, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.conftest import Archive
    from tests.faults.labelling import Labelling

pytestmark = pytest.mark.xdist_group("faults")


def test_a_worker_stands_still_until_its_job_is_anothers(
    tmp_path: Path,
    ledger_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
) -> None:
    """What a worker commits after its job was done by another one is rolled back."""
    archive = archives(100)
    hooks = hasty(freeze_before_commit={"times": 1})
    with Cluster(tmp_path / "cluster", ledger_url, workers=2, hooks=hooks) as cluster:
        labelling = cluster.label(archive.folder)
        (child,) = wait_for(lambda: _frozen(cluster), what="a child that stands still")
        labelling.finish()
        before = written(cluster)
        labelling.fault(child.resume)
        wait_for_log(cluster.workers, "was taken over by another worker")
        verdict(labelling, archive)
        assert written(cluster) == before


@pytest.mark.thorough
def test_whole_workers_stand_still_for_longer_than_their_leases(
    tmp_path: Path,
    sqlite_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
    seed: int,
) -> None:
    """Workers that wake up after their lease ran out find out, and go on with other jobs."""
    archive, rng = archives(1000), dice(seed)
    with Cluster(tmp_path / "cluster", sqlite_url, workers=2, hooks=slow()) as cluster:
        labelling = cluster.label(archive.folder)
        for _ in labelling.moments(3, rng):
            worker = rng.choice(cluster.workers)
            labelling.fault(worker.freeze)
            time.sleep(rng.uniform(32.0, 40.0))
            worker.thaw()
        labelling.finish()
        verdict(labelling, archive)
        assert [worker.starts for worker in cluster.workers] == [1, 1]


@pytest.mark.parametrize(
    ("seconds", "files"),
    [
        (0.1, 100),
        # A job takes longer than a worker that was asked to stop goes on with it.
        pytest.param(2.5, 33, marks=pytest.mark.thorough),
    ],
)
def test_a_worker_is_asked_to_stop(
    tmp_path: Path,
    sqlite_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
    *,
    seconds: float,
    files: int,
) -> None:
    """SIGTERM ends a worker within a minute; neither a message nor an attempt is lost."""
    archive = archives(files)
    with Cluster(tmp_path / "cluster", sqlite_url, hooks=slow(seconds)) as cluster:
        (worker,) = cluster.workers
        labelling = cluster.label(archive.folder)
        wait_for_work(cluster)
        worker.wanted = False
        labelling.fault(lambda: worker.signal(signal.SIGTERM))
        family = worker.tree()
        assert worker.wait(60.0) == 0
        assert psutil.wait_procs(family, timeout=20.0)[1] == []
        with cluster.redis.client() as client:
            assert client.hlen("unacked") == 0
        worker.start()
        labelling.finish()
        verdict(labelling, archive)
        assert cluster.value("SELECT max(attempts) FROM jobs") == 1


def test_a_worker_is_asked_twice_and_then_killed(
    tmp_path: Path,
    postgres_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
    seed: int,
) -> None:
    """Two SIGTERMs and a SIGKILL on their heels cost nothing but time."""
    archive, rng = archives(100), dice(seed)
    with Cluster(tmp_path / "cluster", postgres_url, hooks=hasty(**slow())) as cluster:
        (worker,) = cluster.workers
        labelling = cluster.label(archive.folder)
        wait_for_work(cluster)
        for number in [signal.SIGTERM] * 2:
            labelling.fault(partial(worker.signal, number))
            time.sleep(rng.uniform(0.0, 0.5))
        labelling.fault(worker.kill)
        labelling.finish()
        verdict(labelling, archive)


def _frozen(cluster: Cluster) -> list[psutil.Process]:
    """Children of workers that stand still."""
    children = [child for worker in cluster.workers for child in worker.children]
    return [child for child in children if child.status() == psutil.STATUS_STOPPED]
