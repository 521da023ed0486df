"""SIGTERM ends every long-lived process within a minute, and nothing of its work is lost."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any

import psutil  # type: ignore[import-untyped]  # psutil ships no types
import pytest

from tests.command import wait_for
from tests.crops import draw_crops
from tests.faults.cluster import Cluster
from tests.faults.haste import hasty, slow
from tests.faults.watch import wait_for_log, wait_for_work

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.conftest import Archive
    from tests.faults.labelling import Labelling
    from tests.faults.services import Child, PostgresServer, Worker
    from tests.postgres import Postgres

pytestmark = pytest.mark.xdist_group("faults")

# What is promised to supervisors.
SECONDS = 60.0

# Files of a job and a bit.
FILES = 33


def impatient(**hooks: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The hooks of quick tests, and one more: work is given back after a second."""
    found = hasty(**hooks)
    sooner = {"_PATIENCE": 1.0, "_GIVING_BACK": 5.0, "_LAST_WORDS": 5.0}
    found["constants"] |= {f"worker.drain.{name}": value for name, value in sooner.items()}
    return found


def drain(child: Child, *, code: int = os.EX_OK) -> None:
    """Send SIGTERM; the process ends well within a minute, and none that it started is left."""
    family = child.tree()
    child.wanted = False
    asked = time.monotonic()
    child.signal(signal.SIGTERM)
    ended = child.wait(SECONDS)
    print(f"ended after {time.monotonic() - asked:.1f} s")  # noqa: T201  # what docs tell was seen
    assert ended == code, child.log.read_text()
    assert psutil.wait_procs(family, timeout=20.0)[1] == []


def holder(cluster: Cluster) -> Worker:
    """The worker that is in the middle of a job."""
    at_work = wait_for_work(cluster)
    return next(worker for worker in cluster.workers if at_work in worker.children)


def test_a_job_that_takes_too_long_is_given_back(
    tmp_path: Path,
    postgres_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
) -> None:
    """The worker takes no other job, its attempt does not count, and the next worker goes on.

    With the patience that users have, `test_stops` shows the same.
    """
    archive = archives(FILES)
    hooks = impatient(**slow(0.3))
    with Cluster(tmp_path / "cluster", postgres_url, hooks=hooks) as cluster:
        labelling = cluster.label(archive.folder)
        worker = holder(cluster)
        labelling.fault(lambda: worker.signal(signal.SIGTERM))
        query = "SELECT count(*) FROM workers WHERE draining"
        wait_for(lambda: cluster.value(query) == 1, what="a worker that drains")
        drain(worker)
        assert cluster.value("SELECT sum(attempts) FROM jobs") == 0
        assert cluster.value("SELECT count(*) FROM jobs WHERE state <> 'queued'") == 0
        assert cluster.value("SELECT count(*) FROM workers") == 0
        with cluster.redis.client() as client:
            assert client.hlen("unacked") == 0
        worker.start()
        labelling.finish()
        verdict(labelling, archive)
        assert cluster.value("SELECT max(attempts) FROM jobs") == 1


@pytest.mark.thorough
def test_a_job_that_is_nearly_done_is_finished(
    tmp_path: Path,
    sqlite_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
) -> None:
    """Of two workers, the one that is asked to stop commits its job; the other does the rest."""
    archive = archives(FILES)
    with Cluster(tmp_path / "cluster", sqlite_url, workers=2, hooks=slow(0.1)) as cluster:
        labelling = cluster.label(archive.folder)
        worker = holder(cluster)
        (name,) = {f":{child.pid}" for child in worker.children}
        in_hand = "SELECT id FROM jobs WHERE worker LIKE '%' || :name AND state = 'leased'"
        job = cluster.value(in_hand, name=name)
        drain(worker)
        query = "SELECT state || ' ' || attempts FROM jobs WHERE id = :job"
        assert cluster.value(query, job=job) == "done 1"
        query = "SELECT max(id) FROM jobs WHERE worker LIKE '%' || :name"
        assert cluster.value(query, name=name) == job
        labelling.finish()
        verdict(labelling, archive)
        assert cluster.value("SELECT max(attempts) FROM jobs") == 1


def test_a_broker_that_is_away_keeps_no_worker(
    tmp_path: Path,
    sqlite_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
) -> None:
    """A worker whose Redis does not answer gives back its job, and ends all the same."""
    archive = archives(FILES)
    hooks = impatient(**slow(0.3))
    with Cluster(tmp_path / "cluster", sqlite_url, hooks=hooks) as cluster:
        labelling = cluster.label(archive.folder)
        worker = holder(cluster)
        labelling.fault(cluster.redis.freeze)
        drain(worker)
        assert cluster.value("SELECT sum(attempts) FROM jobs") == 0
        cluster.redis.thaw()
        worker.start()
        labelling.finish()
        verdict(labelling, archive)


@pytest.mark.thorough
def test_a_database_that_is_away_keeps_no_worker(
    tmp_path: Path,
    fault_postgres: tuple[PostgresServer, Postgres],
    postgres_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
) -> None:
    """A worker whose database stands still cannot give back its job, says so, and ends."""
    archive, (server, _) = archives(FILES), fault_postgres
    with Cluster(tmp_path / "cluster", postgres_url, hooks=impatient(**slow(0.3))) as cluster:
        labelling = cluster.label(archive.folder)
        worker = holder(cluster)
        labelling.fault(server.freeze)
        drain(worker, code=os.EX_TEMPFAIL)
        server.thaw()
        worker.start()
        labelling.finish()
        verdict(labelling, archive)


def test_a_training_is_given_to_the_next_trainer(tmp_path: Path, sqlite_url: str) -> None:
    """A trainer that is asked to stop leaves no lock; its training waits, and is begun again."""
    hooks = {**impatient(), "stall_training": {"times": 2}}
    hooks["constants"] |= {"training.resender._EVERY": 0.5, "training.resender._WAITING": 1.0}
    with Cluster(tmp_path / "cluster", sqlite_url, workers=0, hooks=hooks) as cluster:
        crops = draw_crops(tmp_path / "crops", each=6)
        wanted = cluster.command("train", str(crops), "--crops", "--remote", "--detach")
        wanted.launch()
        assert wanted.wait(SECONDS) == 0
        trainer = cluster.command("trainer")
        for number in range(2):
            trainer.launch()
            begun = cluster.folder / "tmp" / f"stall_training-{number}.fired"
            wait_for(begun.exists, what="a training")
            drain(trainer)
            query = "SELECT state || coalesce(holder, '') || coalesce(error, '') FROM trainings"
            assert cluster.value(query) == "queued"


def test_the_clock_stops(tmp_path: Path, sqlite_url: str) -> None:
    """`kaolabel beat` has nothing in hand, and ends."""
    folder = tmp_path / "cluster"
    with Cluster(folder, sqlite_url, workers=0, KAOLABEL_TRAIN_AFTER="5") as cluster:
        clock = cluster.command("beat")
        clock.launch()
        wait_for(lambda: "beat: Starting" in clock.log.read_text(), what="the clock")
        drain(clock)


@pytest.mark.thorough
def test_a_command_that_is_asked_to_stop_is_resumed(
    tmp_path: Path,
    sqlite_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
) -> None:
    """SIGTERM stops a run as Ctrl-C does; the worker drops its job, and `resume` goes on."""
    archive = archives(FILES)
    with Cluster(tmp_path / "cluster", sqlite_url, hooks=hasty(**slow(0.2))) as cluster:
        labelling = cluster.label(archive.folder)
        wait_for_work(cluster)
        labelling.fault(lambda: labelling.command.signal(signal.SIGTERM))
        assert labelling.command.wait(SECONDS) == 130
        assert labelling.state == "stopped"
        wait_for_log(cluster.workers, "given back")
        labelling.finish()
        verdict(labelling, archive)
        assert labelling.deaths == 1
        assert cluster.value("SELECT max(attempts) FROM jobs") == 1
