"""A real worker on a real Redis: every file ends in one outcome, whatever dies on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]  # ships no types
import pytest
import redis

from db.engine import Database
from db.store import jobs
from producer.drive import Driver
from tests.drawing import busy_bmp, face_png, plain_png
from tests.ledger import Ledger
from tests.postgres import migrate
from worker.broker.app import create_app
from worker.broker.embedded import EmbeddedRedis
from worker.broker.embedded_worker import EmbeddedWorker
from worker.broker.messages import LABEL_JOB, label_job
from worker.broker.settings import BrokerSettings
from worker.reconciler import publish
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
        self.server = server
        environment = {
            **os.environ,
            "KAOLABEL_HOME": str(home),
            "KAOLABEL_BROKER_URL": server.url,
            "KAOLABEL_DATABASE_URL": url,
            "KAOLABEL_DECODERS": "2",
        }
        self.worker = EmbeddedWorker(home, environment)

    def begin(self, archive: Path) -> RunRecord:
        """A run that detects only, for which no model is needed."""
        return self.ledger.run(os.fsencode(archive), chain=default_chain(None).id, detect_only=True)

    def label(self, archive: Path, meanwhile: Callable[[], None] = lambda: None) -> RunRecord:
        """Label an archive to its end."""
        run = self.begin(archive)

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
        return [process for process in family if kind in " ".join(command_line(process))]

    def wait_for(self, job: int) -> None:
        """Wait until a job is done."""
        deadline = time.monotonic() + PATIENCE
        query = "SELECT state FROM jobs WHERE id = :job"
        while self.ledger.value(query, job=job) != "done":
            assert time.monotonic() < deadline, self.worker.log.read_text()
            time.sleep(0.05)


def command_line(process: psutil.Process) -> list[str]:
    """The command line, empty for a process that is gone by now."""
    try:
        return list(process.cmdline())
    except psutil.NoSuchProcess:
        return []


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


def test_a_message_that_is_sent_ten_times_has_one_effect(station: Station, tmp_path: Path) -> None:
    """A job is done once, however often its message is delivered."""
    expected = fill(tmp_path / "archive", 8, seed=1000)
    run = station.begin(tmp_path / "archive")
    station.ledger.register(run, *expected)
    job = station.ledger.cut(run)
    publish(station.ledger.database, station.app, [job])
    for _ in range(9):
        station.app.send_task(LABEL_JOB, kwargs=label_job(job))
    station.wait_for(job)
    # A last message goes through behind the other ones.
    marker = station.ledger.take(station.begin(tmp_path), b"marker")
    with station.ledger.database.write() as connection:
        jobs.release(connection, marker, error="", refund=True)
    publish(station.ledger.database, station.app, [marker.job_id])
    station.wait_for(marker.job_id)
    assert station.outcomes(run) == expected
    query = "SELECT attempts, generation FROM jobs WHERE id = :job"
    assert station.ledger.rows(query, job=job) == [(1, 1)]


def test_a_run_survives_the_loss_of_all_messages(station: Station, tmp_path: Path) -> None:
    """When Redis loses its data in the middle, the ledger has everything published again."""
    expected = fill(tmp_path / "archive", 400, seed=2000)
    lost = False

    def lose() -> None:
        nonlocal lost
        if not lost and station.ledger.value("SELECT count(*) FROM jobs WHERE state = 'leased'"):
            lost = True
            with redis.Redis(unix_socket_path=str(station.server.socket)) as client:
                client.flushall()
            # So that nobody has to wait for what the reconciler takes for lost.
            station.ledger.execute("UPDATE jobs SET published_at = published_at - 100")

    run = station.label(tmp_path / "archive", lose)
    assert lost
    assert station.outcomes(run) == expected


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


def test_a_run_survives_the_worker_process(station: Station, tmp_path: Path) -> None:
    """A child that is killed in the middle of a job is replaced, and its job is done again."""
    expected = fill(tmp_path / "archive", 200, seed=4000)
    (tmp_path / "archive" / "0000.png").write_bytes(busy_bmp())
    expected[b"0000.png"] = "no_face"
    killed: list[int] = []

    def kill() -> None:
        if not killed and station.ledger.value("SELECT count(*) FROM jobs WHERE state = 'leased'"):
            (child,) = station.processes("spawn_main")
            child.kill()
            killed.append(child.pid)

    run = station.label(tmp_path / "archive", kill)
    assert len(killed) == 1
    assert station.outcomes(run) == expected
    query = "SELECT max(attempts) FROM jobs WHERE run_id = :run"
    assert station.ledger.value(query, run=run.id) == 2


def kaolabel(home: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """A command with a Redis and workers of its own."""
    environment = {**os.environ, "KAOLABEL_HOME": str(home), "KAOLABEL_DECODERS": "2"}
    return subprocess.Popen(
        [sys.executable, "-m", "kaolabel", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_nothing_outlives_a_killed_command(home: Path, tmp_path: Path) -> None:
    """After SIGKILL neither Redis nor workers nor decoders are left, and `resume` finishes."""
    expected = fill(tmp_path / "archive", 300, seed=5000)
    home.mkdir(mode=0o700)
    url = f"sqlite:///{home / 'kaolabel.db'}"
    migrate(url)
    ledger = Ledger(Database(url, patience=20.0))
    with kaolabel(home, "label", str(tmp_path / "archive"), "--detect-only") as command:
        while not ledger.value("SELECT count(*) FROM jobs WHERE state = 'leased'"):
            assert command.poll() is None
            time.sleep(0.05)
        family = psutil.Process(command.pid).children(recursive=True)
        command.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=20)
    assert len(family) >= 4
    assert alive == []
    with kaolabel(home, "resume") as command:
        assert command.wait(PATIENCE) == 0
    rows = ledger.rows("SELECT path, outcome FROM images WHERE NOT due")
    assert {bytes(path): outcome for path, outcome in rows} == expected
    assert ledger.rows("SELECT state FROM runs") == [("finished",)]
    ledger.database.close()
