"""A real worker on a real Redis: every file ends in one outcome, whatever dies on the way."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]  # ships no types
import pytest

from db.engine import Database
from db.figures import JobFigures
from db.store import workers
from producer.drive import Driver
from tests.command import command_line, wait_for
from tests.drawing import face_png, plain_png
from tests.ledger import Ledger
from worker.broker.app import create_app
from worker.broker.embedded import EmbeddedRedis
from worker.broker.embedded_worker import EmbeddedWorker
from worker.broker.messages import LABEL_JOB, MESSAGE_VERSION, label_job
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

    def announced(self) -> list[workers.WorkerRecord]:
        """The workers that have announced themselves."""
        with self.ledger.database.read() as connection:
            return workers.every(connection)

    def family(self) -> list[psutil.Process]:
        """The worker's processes."""
        assert self.worker._process is not None
        first = psutil.Process(self.worker._process.pid)
        return [first, *first.children(recursive=True)]

    def processes(self, kind: str) -> list[psutil.Process]:
        """The worker's processes whose command line has these words."""
        return [process for process in self.family() if kind in command_line(process)]


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
    decoded = "SELECT sum(decoded) FROM jobs WHERE run_id = :run"
    assert station.ledger.value(decoded, run=run.id) == 83
    faces = "SELECT count(DISTINCT faces.id) FROM faces JOIN images USING (detection_id)"
    assert station.ledger.value(f"{faces} WHERE run_id = :run", run=run.id) == 20


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


def test_jobs_leave_figures(station: Station, tmp_path: Path) -> None:
    """What a run's jobs found adds up to its images, and every decoded image was timed."""
    fill(tmp_path / "archive", 40, seed=9000)
    run = station.label(tmp_path / "archive")
    rows = station.ledger.rows("SELECT figures, decoded FROM jobs WHERE run_id = :r", r=run.id)
    found = [JobFigures.from_json(text) for text, _ in rows]
    outcomes: Counter[str] = sum((Counter(one.outcomes) for one in found), Counter())
    faces: Counter[str] = sum((Counter(one.faces) for one in found), Counter())
    assert outcomes == {"faces": 10, "no_face": 30}
    assert faces == {"animeface": 10}
    for one, (_, decoded) in zip(found, rows, strict=True):
        timed = {stage: sum(times.counts) for stage, times in one.stages.items()}
        assert timed == {"decode": decoded, "detect": decoded, "embed": 0, "store": 1}


def test_a_worker_announces_itself(station: Station) -> None:
    """A worker at work is in the ledger, under the number of its first process."""
    (announced,) = wait_for(station.announced, what="the announcement")
    assert (announced.kind, announced.decoders, announced.draining) == ("worker", 2, False)
    assert not announced.is_missing
    assert announced.name.rpartition(":")[2] in {str(one.pid) for one in station.family()}


def test_a_message_for_newer_workers_is_left_to_them(station: Station, tmp_path: Path) -> None:
    """A message of a version that a worker does not know costs its job nothing."""
    fill(tmp_path / "archive", 4, seed=9500)
    run = station.ledger.run(
        os.fsencode(tmp_path / "archive"), chain=default_chain(None).id, detect_only=True
    )
    station.ledger.register(run, *(f"{number:04}.png".encode() for number in range(4)))
    job = station.ledger.cut(run)
    newer = {"kaolabel": {"message": MESSAGE_VERSION + 1}}
    station.app.send_task(LABEL_JOB, kwargs=label_job(job), headers=newer)
    state = "SELECT state, attempts, not_before > 0 FROM jobs WHERE id = :job"
    wait_for(lambda: station.ledger.rows(state, job=job)[0][2], what="the refusal")
    assert station.ledger.rows(state, job=job) == [("queued", 0, True)]
    # The reconciler of any worker offers it again, in words that all of them know.
    wait_for(lambda: station.ledger.rows(state, job=job)[0][0] == "done", what="the job")
