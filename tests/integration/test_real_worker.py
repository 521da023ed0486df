"""A real worker on a real Redis: every file ends in one outcome, whatever dies on the way."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]  # ships no types
import pytest

from db.engine import Database
from producer.drive import Driver
from tests.command import command_line
from tests.drawing import face_png, plain_png
from tests.ledger import Ledger
from worker.broker.app import create_app
from worker.broker.embedded import EmbeddedRedis
from worker.broker.embedded_worker import EmbeddedWorker
from worker.broker.settings import BrokerSettings
from worker.vision.chain import default_chain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from db.records import RunRecord
    from tests.postgres import Postgres

ROOT = Path(__file__).parents[2]

# One process starts the worker for all of them.
pytestmark = pytest.mark.xdist_group("real-worker")

# Seconds until a test gives up on a worker; no test is faster or slower for it.
PATIENCE = 120.0


class Station:
    """A Redis and a worker of our own, on a ledger."""

    def __init__(self, home: Path, url: str, server: EmbeddedRedis) -> None:
        self.ledger = Ledger(Database(url, patience=20.0))
        self.app = create_app(server.url, BrokerSettings())
        environment = {
            **os.environ,
            "KAOLABEL_HOME": str(home),
            "KAOLABEL_BROKER_URL": server.url,
            "KAOLABEL_DATABASE_URL": url,
            "KAOLABEL_DECODERS": "2",
        }
        self.worker = EmbeddedWorker(home, environment)

    def label(self, archive: Path, meanwhile: Callable[[], None] = lambda: None) -> RunRecord:
        """Label an archive to its end, detecting only, for which no model is needed."""
        chain = default_chain(None).id
        run = self.ledger.run(os.fsencode(archive), chain=chain, detect_only=True)

        def watch() -> None:
            self.worker.watch()
            meanwhile()

        Driver(
            self.ledger.database,
            self.app,
            run,
            version_id=None,
            leave_out=frozenset(),
            watch=watch,
            report=lambda _progress, _complaints: None,
        ).drive()
        return run

    def outcomes(self, run: RunRecord) -> dict[bytes, str]:
        """What became of each path; every one is done."""
        query = "SELECT path, outcome FROM images WHERE run_id = :run AND NOT due"
        return {bytes(path): outcome for path, outcome in self.ledger.rows(query, run=run.id)}

    def processes(self, kind: str) -> list[psutil.Process]:
        """The worker's processes whose command line has these words."""
        assert self.worker._process is not None
        family = psutil.Process(self.worker._process.pid).children(recursive=True)
        return [process for process in family if kind in command_line(process)]


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[Station]:
    """One worker for all tests of this module, on PostgreSQL."""
    home = tmp_path_factory.mktemp("station")
    with postgres.lend(empty=False) as url, EmbeddedRedis(home) as server:
        station = Station(home, url, server)
        with station.worker:
            yield station
        station.ledger.database.close()


def fill(archive: Path, count: int, *, seed: int) -> dict[bytes, str]:
    """An archive of drawn images; what should become of each."""
    archive.mkdir(parents=True)
    expected = {}
    for number in range(count):
        path = f"{number:04}.png"
        has_face = number % 4 == 0
        data = (face_png if has_face else plain_png)(seed + number)
        (archive / path).write_bytes(data)
        expected[path.encode()] = "faces" if has_face else "no_face"
    return expected


def test_every_file_ends_in_one_outcome(station: Station, tmp_path: Path) -> None:
    """Images, copies, broken and odd files go through queue, decoders and ledger."""
    archive = tmp_path / "archive"
    expected = fill(archive, 80, seed=0)
    odd = {
        b"\xff\n.png": (face_png(0), "faces"),
        b"-copy": (face_png(4), "faces"),
        b"empty": (b"", "unreadable"),
        b"page.html": (b"<html>", "unreadable"),
        b"cut.png": (face_png(0)[:300], "unreadable"),
    }
    for name, (data, outcome) in odd.items():
        (archive / os.fsdecode(name)).write_bytes(data)
        expected[name] = outcome
    os.mkfifo(archive / "fifo")
    run = station.label(archive)
    assert station.outcomes(run) == expected
    assert station.ledger.value("SELECT sum(decoded) FROM jobs") == 83
    query = "SELECT count(*) FROM faces JOIN detections ON detections.id = detection_id"
    assert station.ledger.value(query) == 20


def test_a_run_survives_its_decoders(station: Station, tmp_path: Path) -> None:
    """Decoders that are killed now and then are replaced; no image is lost or quarantined."""
    expected = fill(tmp_path / "archive", 400, seed=3000)
    killed = done = 0

    def kill_one() -> None:
        nonlocal killed, done
        now = station.ledger.value("SELECT count(*) FROM jobs WHERE state = 'done'")
        # One a job: an image that two decoders in a row die on is rightly quarantined.
        for process in station.processes("worker.sandbox.child")[: killed < 3 and now > done]:
            process.kill()
            killed, done = killed + 1, now

    run = station.label(tmp_path / "archive", kill_one)
    assert killed == 3
    assert station.outcomes(run) == expected
