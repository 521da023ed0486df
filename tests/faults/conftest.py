"""What fault tests share: servers to disturb, archives with known findings, and the table."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.command import Kaolabel, finish
from tests.drawing import face_png, plain_png
from tests.faults import oracle, table
from tests.faults.services import PostgresServer
from tests.postgres import Postgres, import_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.faults.labelling import Labelling
    from tests.faults.oracle import Findings

# For a run that nothing disturbs: long enough for thousands of images on a busy machine.
_UNDISTURBED_SECONDS = 1800.0


@dataclass(frozen=True, slots=True)
class Archive:
    """A folder of images, and what a run without faults finds in it."""

    folder: Path
    findings: Findings


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Archive]:
    """Makes an archive of that many small drawn images, every fourth with a face.

    What is in it was found by a run of the real command without faults.
    """
    made: dict[int, Archive] = {}

    def make(count: int) -> Archive:
        if count not in made:
            folder = tmp_path_factory.mktemp(f"archive-{count}")
            fill(folder / "images", count)
            made[count] = undisturbed(folder / "home", folder / "images")
        return made[count]

    return make


def fill(folder: Path, count: int, *, seed: int = 0) -> None:
    """Draw that many small images of different bytes, every fourth with a face."""
    folder.mkdir(parents=True)
    for number in range(count):
        draw = plain_png if number % 4 else face_png
        (folder / f"{number:05}.png").write_bytes(draw(seed + number))


def undisturbed(home: Path, folder: Path) -> Archive:
    """The archive, with what the command finds in it when nothing disturbs it."""
    kaolabel = Kaolabel(home)
    command = kaolabel.start("label", str(folder), "--detect-only", "--json")
    done = finish(command, timeout=_UNDISTURBED_SECONDS)
    assert done.returncode == 0, done.stderr
    with kaolabel.database() as database:
        findings = oracle.find(database, json.loads(done.stdout)["run"])
    assert len(findings.images) == len(oracle.walk(folder))
    return Archive(folder, findings)


@contextmanager
def killable_postgres() -> Iterator[tuple[PostgresServer, Postgres]]:
    """A PostgreSQL of its own, which may be killed and comes back."""
    folder = tempfile.mkdtemp(prefix="kao-pg-")
    server = import_server().get_server(folder, cleanup_mode="delete")
    try:
        yield PostgresServer(server), Postgres(server.get_uri())
    finally:
        server.ensure_postgres_running()
        server.cleanup()


@pytest.fixture(scope="session")
def fault_postgres() -> Iterator[tuple[PostgresServer, Postgres]]:
    """A PostgreSQL of its own for the tests that kill it."""
    with killable_postgres() as found:
        yield found


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A SQLite database at the newest revision."""
    shutil.copy(sqlite_template, tmp_path / "ledger.db")
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
def postgres_url(fault_postgres: tuple[PostgresServer, Postgres]) -> Iterator[str]:
    """A database at the newest revision, in the PostgreSQL that may be killed."""
    _, postgres = fault_postgres
    with postgres.lend(empty=False) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest) -> str:
    """A database at the newest revision, of each kind in turn."""
    fixture = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(fixture)
    return url


@pytest.fixture
def seed() -> int:
    """Where random faults come from; KAOLABEL_FAULT_SEED repeats those of a failed test."""
    return int(os.environ.get("KAOLABEL_FAULT_SEED", "20261121"))


@pytest.fixture
def verdict(
    record_property: Callable[[str, object], None],
) -> Callable[[Labelling, Archive], None]:
    """Judges a finished run, and puts a line of it into the table."""

    def judge(labelling: Labelling, archive: Archive) -> None:
        found = labelling.judge(archive.findings)
        line: dict[str, Any] = {
            "faults": labelling.faults + labelling.cluster.fired,
            "files": found.files,
            "lost": len(found.lost),
            "doubled": sum(found.doubled.values()),
            "recovery": round(labelling.recovery, 1),
            "kinds": dict(labelling.kinds),
        }
        record_property("fault", line)
        assert found.clean, f"{found}\n{labelling.cluster.logs()}"

    return judge


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the table of faults goes, beside the terminal."""
    parser.addoption("--fault-table", type=Path, help="write the table of faults as Markdown")


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print what the runs were put through, and what became of them."""
    reports = [
        report
        for kind in ("passed", "failed")
        for report in terminalreporter.stats.get(kind, [])
        if report.when == "call"
    ]
    lines = [
        (report.nodeid.rpartition("::")[2], value)
        for report in reports
        for name, value in report.user_properties
        if name == "fault"
    ]
    if not lines:
        return
    terminalreporter.section("faults")
    terminalreporter.write(table.render(lines))
    if config.getoption("fault_table"):
        table.write_markdown(lines, config.getoption("fault_table"))
