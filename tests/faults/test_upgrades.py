"""An upgrade rolls over a cluster: old and new workers share queue and ledger, and lose nothing."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

from db import schema
from db.engine import Database
from db.version import JOB_VERSION
from tests.command import wait_for
from tests.faults import oracle
from tests.faults.cluster import Cluster
from tests.faults.haste import slow
from tests.faults.releases import NEXT, Release, next_release, release_before
from tests.faults.services import ROOT
from tests.faults.watch import wait_for_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.conftest import Archive
    from tests.faults.labelling import Labelling
    from tests.faults.services import Worker

pytestmark = pytest.mark.xdist_group("faults")

# Of the jobs that are done: by which process, and for whom they were made.
_DONE = "SELECT worker, needs FROM jobs WHERE state = 'done'"


class Crew:
    """Which process belongs to which worker, though workers are started again."""

    def __init__(self) -> None:
        self._numbers: dict[str, set[str]] = {}

    def note(self, name: str, worker: Worker) -> None:
        """Remember the processes that a worker has right now."""
        found = wait_for(lambda: worker.children, what="a child")
        self._numbers.setdefault(name, set()).update(str(one.pid) for one in found)

    def did(self, cluster: Cluster, name: str) -> set[int]:
        """For whom the jobs were made that a worker has done."""
        rows = cluster.database.fetch(lambda c: c.exec_driver_sql(_DONE).all())
        numbers = self._numbers[name]
        return {needs for worker, needs in rows if worker.rpartition(":")[2] in numbers}


def restart(worker: Worker, cluster: Cluster) -> None:
    """Ask a worker to stop, and start it again; it has to be accepted."""
    worker.wanted = False
    worker.signal(signal.SIGTERM)
    assert worker.wait(60.0) == 0, worker.log.read_text()
    before = worker.log.read_text().count("worker is ready")
    worker.launch()
    wait_for(
        lambda: worker.log.read_text().count("worker is ready") > before,
        what=f"the old worker's return\n{cluster.logs()}",
    )


def test_the_next_release_is_rolled_out(
    tmp_path: Path,
    postgres_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
) -> None:
    """Old and new workers share a run; what the new producer asks for, only new ones do."""
    archive, more = archives(100), archives(33)
    tomorrow, crew = next_release(tmp_path / "tomorrow"), Crew()
    with Cluster(tmp_path / "cluster", postgres_url, hooks=slow(0.4)) as cluster:
        (old,) = cluster.workers
        labelling = cluster.label(archive.folder)
        crew.note("old", old)
        labelling.until(1)
        said = json.loads(tomorrow.run(cluster, "db", "upgrade", "--json").splitlines()[-1])
        assert (said["before"], said["revision"]) == (schema.head(), NEXT)
        assert said["oldest"] <= schema.head()
        labelling.command.signal(signal.SIGTERM)
        assert labelling.command.wait(60.0) == 130
        labelling.command = tomorrow.command(cluster, "resume", str(labelling.run))
        new = tomorrow.worker(cluster)
        crew.note("new", new)
        restart(old, cluster)
        crew.note("old", old)
        labelling.finish()
        verdict(labelling, archive)
        assert cluster.value("SELECT count(*) FROM workers WHERE version = 'next'") == 1
        assert cluster.value("SELECT max(attempts) FROM jobs") == 1
        assert JOB_VERSION in crew.did(cluster, "old")
        # Seen by the old worker alone, at first.
        new.freeze()
        asked = tomorrow.command(cluster, "label", str(more.folder), "--detect-only")
        wait_for_log([old], "is left to newer workers")
        new.thaw()
        assert asked.wait(120.0) == 0, cluster.logs()
        run = cluster.value("SELECT max(id) FROM runs")
        assert oracle.judge(cluster.database, run, more.folder, archive.findings).lost == ()
        assert crew.did(cluster, "old") == {JOB_VERSION}
        assert JOB_VERSION + 1 in crew.did(cluster, "new")


@pytest.mark.thorough
def test_this_release_is_rolled_out_over_the_one_before(
    tmp_path: Path, empty_url: str, archives: Callable[[int], Archive]
) -> None:
    """The last release before the newest revision, out of the history, goes on beside this one.

    Neither its worker nor its command is started again, as it wants its own revision at the start.
    """
    archive, crew = archives(100), Crew()
    before, revision = release_before(tmp_path / "before")
    at_revision(empty_url, revision)
    hooks = slow(0.4)
    with Cluster(tmp_path / "cluster", empty_url, workers=0, hooks=hooks) as cluster:
        old = before.worker(cluster)
        asked = before.command(cluster, "label", str(archive.folder), "--detect-only")
        crew.note("old", old)
        done = "SELECT count(*) FROM images WHERE NOT due"
        wait_for(lambda: cluster.value(done), what="the first results of the old worker")
        today = Release(ROOT)
        said = json.loads(today.run(cluster, "db", "upgrade", "--json").splitlines()[-1])
        assert (said["before"], said["revision"]) == (revision, schema.head())
        new = today.worker(cluster)
        crew.note("new", new)
        assert asked.wait(240.0) == 0, cluster.logs()
        found = oracle.judge(cluster.database, 1, archive.folder, archive.findings)
        assert found.clean, found
        assert cluster.value("SELECT max(attempts) FROM jobs") == 1
        assert crew.did(cluster, "old")
        assert crew.did(cluster, "new")
        assert old.alive


def at_revision(url: str, revision: str) -> None:
    """Set an empty database up as an older release has it."""
    database = Database(url)
    schema.upgrade(database, revision)
    database.close()
