"""Databases that die, go away, are locked, fill up or lose answers while everybody needs them."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from db.engine import Database
from db.records import ImageResult
from db.store import results
from tests.command import Kaolabel
from tests.faults import oracle
from tests.faults.harness import Cluster, dice, wait_for
from tests.faults.haste import hasty, slow
from tests.faults.memory import Memory
from tests.faults.pooler import Pooler
from tests.faults.proxy import Proxy
from tests.ledger import Ledger, content, face, job_result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from db.records import Claim, ContentResult, JobResult
    from tests.faults.conftest import Archive
    from tests.faults.harness import Labelling
    from tests.faults.services import PostgresServer
    from tests.postgres import Postgres

pytestmark = pytest.mark.xdist_group("faults")

# Locks a SQLite file for as long as it is told, and says when it has the lock.
_LOCKER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
time.sleep(float(sys.argv[2]))
connection.rollback()
"""

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


@pytest.mark.thorough
def test_sqlite_is_locked_by_somebody_else(
    tmp_path: Path,
    sqlite_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
) -> None:
    """Another program that holds the file for 20 seconds costs time, and nobody sees an error."""
    archive = archives(100)
    with Cluster(tmp_path / "cluster", sqlite_url, hooks=hasty(**slow())) as cluster:
        labelling = cluster.label(archive.folder)
        labelling.until(20)
        path = str(cluster.database.url.database)
        arguments = [sys.executable, "-c", _LOCKER, path, "20"]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE) as locker:
            assert locker.stdout is not None
            labelling.fault(locker.stdout.readline)
            status = cluster.command("status", "--json")
            status.launch()
            assert status.wait(60) == 0, cluster.logs()
        labelling.finish()
        verdict(labelling, archive)
        assert_undisturbed(labelling)
        assert "locked" not in labelling.command.log.read_text()


def test_the_disk_runs_full(tmp_path: Path, archives: Callable[[int], Archive]) -> None:
    """The command stops and says what to do; with room again, `resume` brings all to its end."""
    archive = archives(400)
    with small_disk(tmp_path / "disk", megabytes=16) as disk:
        command = Kaolabel(disk / "home")
        with command.start("label", str(archive.folder), "--detect-only") as process:
            wait_for_outcomes(disk / "home" / "kaolabel.db")
            fill(disk / "ballast")
            _, said = process.communicate(timeout=200)
        lines = said.strip().splitlines()
        assert process.returncode == 3, said
        assert lines[-1].startswith("kaolabel: the database ")
        assert lines[-1].endswith("make room there") or "is full or fails" in lines[-1]
        assert "Traceback" not in said
        (disk / "ballast").unlink()
        summary = command.json("resume")
        database = Database(f"sqlite:///{disk / 'home' / 'kaolabel.db'}")
        found = oracle.judge(database, summary["run"], archive.folder, archive.findings)
        with database.read() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        database.close()
        assert found.clean, found


def test_the_same_contents_are_written_in_opposite_order(postgresql: Database) -> None:
    """Of two jobs with the same bytes in opposite order, both commit, and no deadlock surfaces."""
    ledger = Ledger(postgresql)
    other = Database(postgresql.url.render_as_string(hide_password=False), patience=20.0)
    for number in range(20):
        contents = [content(b"%d-%d" % (number, index), face(), face()) for index in range(30)]
        first = overlapping(ledger, b"/first", contents)
        second = overlapping(ledger, b"/second", contents[::-1])
        commit_at_once([(postgresql, *first), (other, *second)])
    other.close()
    assert ledger.rows("SELECT count(*), count(DISTINCT sha256) FROM contents") == [(600, 600)]
    assert ledger.value("SELECT count(*) FROM faces") == 1200
    assert ledger.value("SELECT count(*) FROM images WHERE outcome = 'faces'") == 1200


def kill_in_transaction(labelling: Labelling, *, after: int) -> None:
    """Kill PostgreSQL once so many images are done and somebody is about to commit."""
    cluster = labelling.cluster
    assert cluster.postgres is not None
    labelling.until(after)
    for _ in labelling.ticks():
        if cluster.value(_IN_TRANSACTION):
            break
    labelling.fault(cluster.postgres.kill)


def assert_undisturbed(labelling: Labelling) -> None:
    """No claim was counted as lost, and neither a worker nor the command was started again."""
    cluster = labelling.cluster
    query = "SELECT max(attempts) FROM jobs WHERE run_id = :run"
    assert cluster.value(query, run=labelling.run) == 1, cluster.logs()
    assert [worker.starts for worker in cluster.workers] == [1] * len(cluster.workers)
    assert labelling.deaths == 0


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


@contextlib.contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Iterator[Path]:
    """A disk of that size; the test is skipped where none may be mounted."""
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m", "kaolabel-test", str(folder)]
    mounted = subprocess.run(["mount", *options], check=False, capture_output=True, text=True)  # noqa: S607  # the system's own
    if mounted.returncode:
        pytest.skip(f"needs to mount a small disk: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S607  # as above


def fill(ballast: Path) -> None:
    """Take all room that is left on a disk."""
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while file.write(bytes(size)):
                    pass


def wait_for_outcomes(path: Path) -> None:
    """Wait until the first results stand in a ledger."""
    wait_for(path.exists, what="a ledger")
    database = Database(f"sqlite:///{path}")
    query = text("SELECT count(*) FROM images WHERE NOT due")
    with contextlib.closing(database):
        wait_for(lambda: _count(database, query), what="the first results")


def _count(database: Database, query: Any) -> int:
    with contextlib.suppress(OperationalError), database.read() as connection:
        return int(connection.execute(query).scalar_one())
    return 0


def overlapping(
    ledger: Ledger, root: bytes, contents: list[ContentResult]
) -> tuple[Claim, JobResult]:
    """A claimed job of fresh files that have these contents, and what it writes."""
    prefix = contents[0].content.sha256.hex().encode()
    paths = [prefix + b"%d" % number for number in range(len(contents))]
    claim = ledger.take(ledger.run(root), *paths)
    linked = zip(ledger.todo(claim.job_id), contents, strict=True)
    images = [ImageResult(image.id, result.content.sha256) for image, result in linked]
    return claim, job_result(contents, images)


def commit_at_once(jobs: list[tuple[Database, Claim, JobResult]]) -> None:
    """Commit jobs at the same time; what one of them raises is raised."""
    ready = threading.Barrier(len(jobs))

    def write(database: Database, claim: Claim, result: JobResult) -> None:
        ready.wait()
        database.commit(lambda connection: results.commit(connection, claim, result))

    with ThreadPoolExecutor(len(jobs)) as pool:
        for done in [pool.submit(write, *job) for job in jobs]:
            done.result()
