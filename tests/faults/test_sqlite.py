"""A SQLite file that is locked by others, or whose disk runs full."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from db.engine import Database
from tests.command import Kaolabel, wait_for
from tests.faults import oracle
from tests.faults.cluster import Cluster
from tests.faults.haste import hasty, slow
from tests.faults.watch import assert_undisturbed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.faults.conftest import Archive
    from tests.faults.labelling import Labelling

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
