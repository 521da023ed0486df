"""A PostgreSQL that dies, goes away or loses answers while everybody needs it."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import pytest

from db.engine import Database
from tests.faults.cluster import Cluster
from tests.faults.haste import hasty, slow
from tests.faults.labelling import dice
from tests.faults.memory import Memory
from tests.faults.pooler import Pooler
from tests.faults.proxy import Proxy
from tests.faults.watch import assert_undisturbed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.faults.conftest import Archive
    from tests.faults.labelling import Labelling
    from tests.faults.services import PostgresServer
    from tests.postgres import Postgres

pytestmark = pytest.mark.xdist_group("faults")

# A worker of ours that has begun to write, and has not committed.
_IN_TRANSACTION = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND state = 'idle in transaction'"
)

_OTHER_CONNECTIONS = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def test_postgres_is_killed_in_the_middle_of_a_transaction(
    tmp_path: Path,
    fault_postgres: tuple[PostgresServer, Postgres],
    postgres_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
) -> None:
    """What was not committed is committed again, by the same claims, and nobody is restarted."""
    archive = archives(100)
    hooks = hasty(**slow(), linger={"seconds": 0.5})
    with Cluster(
        tmp_path / "cluster", postgres_url, postgres=fault_postgres[0], hooks=hooks
    ) as cluster:
        labelling = cluster.label(archive.folder)
        kill_in_transaction(labelling, after=20)
        labelling.finish()
        verdict(labelling, archive)
        assert_undisturbed(labelling)


@pytest.mark.thorough
def test_postgres_is_killed_again_and_again(
    tmp_path: Path,
    fault_postgres: tuple[PostgresServer, Postgres],
    postgres_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
) -> None:
    """Five deaths of the server within transactions of two workers cost nothing but time."""
    archive = archives(1000)
    with Cluster(
        tmp_path / "cluster",
        postgres_url,
        workers=2,
        postgres=fault_postgres[0],
        hooks={**slow(), "linger": {"seconds": 0.5}},
    ) as cluster:
        labelling = cluster.label(archive.folder)
        for number in range(5):
            kill_in_transaction(labelling, after=number * 150)
        labelling.finish()
        verdict(labelling, archive)
        assert_undisturbed(labelling)


@pytest.mark.thorough
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("seconds", "limit"),
    [
        pytest.param(16, 20, id="16 s"),
        pytest.param(40, 30, id="40 s"),
        pytest.param(300, 300, id="5 minutes", marks=pytest.mark.marathon),
    ],
)
def test_postgres_is_away(
    tmp_path: Path,
    fault_postgres: tuple[PostgresServer, Postgres],
    postgres_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
    seconds: float,
    limit: int,
) -> None:
    """An outage costs no attempt and no memory, ends neither worker nor command, and is told of.

    Those of less than five minutes outlast what a job waits for; its limit is made shorter here.
    """
    archive = archives(100)
    with Cluster(
        tmp_path / "cluster",
        postgres_url,
        postgres=fault_postgres[0],
        proxied=True,
        hooks=hasty(**slow()),
        KAOLABEL_TASK_TIME_LIMIT=str(limit),
    ) as cluster:
        assert cluster.database_proxy is not None
        labelling = cluster.label(archive.folder)
        labelling.until(30)
        labelling.fault(cluster.database_proxy.refuse)
        grown = growth(cluster, seconds=seconds)
        labelling.mend(cluster.database_proxy.restore)
        labelling.finish()
        verdict(labelling, archive)
        assert_undisturbed(labelling)
        print(f"grown within {seconds} s: {grown}")  # noqa: T201  # pytest shows it on demand
        assert all(share < 0.1 for share in grown.values()), grown
        said = labelling.command.log.read_text()
        assert said.count("does not answer; still trying") == 1


@pytest.mark.parametrize("way", ["refuse", pytest.param("drop", marks=pytest.mark.thorough)])
def test_a_command_is_interrupted_while_postgres_is_away(
    tmp_path: Path,
    fault_postgres: tuple[PostgresServer, Postgres],
    postgres_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
    way: str,
) -> None:
    """Ctrl-C is heard whether connections are refused or silent; the run can be resumed at once."""
    archive = archives(100)
    with Cluster(
        tmp_path / "cluster",
        postgres_url,
        postgres=fault_postgres[0],
        proxied=True,
        hooks=hasty(**slow()),
    ) as cluster:
        assert cluster.database_proxy is not None
        labelling = cluster.label(archive.folder)
        labelling.until(20)
        labelling.fault(getattr(cluster.database_proxy, way))
        time.sleep(3)
        labelling.interrupt()
        assert labelling.command.wait(90) == 130, cluster.logs()
        lines = labelling.command.log.read_text().strip().splitlines()
        assert lines[-1].startswith(f"Run {labelling.run} is left as it is"), lines
        assert not any("Traceback" in line for line in lines), lines
        labelling.mend(cluster.database_proxy.restore)
        labelling.finish()
        verdict(labelling, archive)


def test_connections_are_cut_during_commit(
    tmp_path: Path,
    fault_postgres: tuple[PostgresServer, Postgres],
    postgres_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
    seed: int,
) -> None:
    """A commit that was done, but whose answer was lost, is neither lost nor done twice."""
    archive, rng = archives(100), dice(seed)
    with Cluster(
        tmp_path / "cluster",
        postgres_url,
        postgres=fault_postgres[0],
        proxied=True,
        hooks=hasty(**slow()),
    ) as cluster:
        proxy = cluster.database_proxy
        assert proxy is not None
        labelling = cluster.label(archive.folder)
        for _ in labelling.moments(8, rng, within=0.5):
            labelling.fault(lambda: proxy.cut_after(b"COMMIT").wait(60))
        labelling.finish()
        verdict(labelling, archive)
        assert_undisturbed(labelling)
        query = "SELECT sum(size) FROM jobs WHERE state = 'done'"
        assert cluster.value(query) == len(archive.findings.images)


def test_a_pooler_stands_before_postgres(
    tmp_path: Path,
    fault_postgres: tuple[PostgresServer, Postgres],
    postgres_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
) -> None:
    """Three server connections, handed on after each transaction, serve a producer and a worker."""
    archive = archives(100)
    with (
        pooled(tmp_path, fault_postgres[0], postgres_url) as url,
        Cluster(
            tmp_path / "cluster",
            postgres_url,
            workers=2,
            hooks=hasty(**slow()),
            KAOLABEL_DATABASE_URL=url,
        ) as cluster,
    ):
        labelling = cluster.label(archive.folder)
        labelling.until(20)
        assert 0 < cluster.value(_OTHER_CONNECTIONS) <= 3
        labelling.fault(cluster.workers[0].kill)
        labelling.finish()
        verdict(labelling, archive)


def kill_in_transaction(labelling: Labelling, *, after: int) -> None:
    """Kill PostgreSQL once so many images are done and somebody is about to commit."""
    cluster = labelling.cluster
    assert cluster.postgres is not None
    labelling.until(after)
    for _ in labelling.ticks():
        if cluster.value(_IN_TRANSACTION):
            break
    labelling.fault(cluster.postgres.kill)


def growth(cluster: Cluster, *, seconds: float) -> dict[str, float]:
    """By what share each kind of process grows within so many seconds."""
    family = cluster.processes()
    memory = Memory()
    for at in range(2):
        time.sleep(seconds / 2)
        memory.sample(at * seconds, family)
    return {
        trend.kind: trend.slope * seconds / trend.highest
        for trend in memory.trends(warm_up=0.0)
        if trend.processes
    }


@contextlib.contextmanager
def pooled(folder: Path, postgres: PostgresServer, url: str) -> Iterator[str]:
    """The URL of the same database behind a pgbouncer."""
    known = Database(url).url
    with Proxy(postgres.connect) as proxy:
        pooler = Pooler(folder / "pooler", server=proxy.port, user=str(known.username))
        pooler.launch()
        try:
            behind = known.set(host="127.0.0.1", port=pooler.port, query={})
            yield behind.render_as_string(hide_password=False)
        finally:
            pooler.kill()
