"""A real worker that always has work, and models to swap under it."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from db.engine import Database
from db.store import models
from tests.drawing import face_png
from tests.ledger import Ledger
from tests.models import evidence_of, golden_faces, small_artifact, small_head
from tests.postgres import migrate
from worker.broker.app import create_app
from worker.broker.embedded import EmbeddedRedis
from worker.broker.embedded_worker import EmbeddedWorker
from worker.broker.settings import BrokerSettings
from worker.models import artifact as artifacts
from worker.models import backbone, registry, tensors
from worker.reconciler import publish
from worker.vision.chain import default_chain
from worker.vision.embed import Embedder, EmbedderSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from db.records import VersionRecord

# Seconds until a test gives up on a worker; no test is faster or slower for it.
PATIENCE = 240.0
LABELS = ("zoë", "aqua")


def untrained(home: Path) -> Embedder:
    """The untrained backbone from a file, which a worker loads quicker than it makes it."""
    weights = backbone.obtain("seeded", home=home)
    tensors.save(weights.tensors, backbone.stored_path(weights.sha256, home=home))
    return Embedder(EmbedderSpec("file", weights.sha256, taps=("mixed0",)), home=home)


class Station:
    """A Redis and a worker of our own, which have work as long as the test wants."""

    def __init__(self, home: Path, url: str, server: EmbeddedRedis, embedder: Embedder) -> None:
        self.home = home
        self.server = server
        self.embedder = embedder
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
        self.archive = home / "archive"
        self.archive.mkdir(exist_ok=True)
        self.run = self.ledger.run(os.fsencode(self.archive), chain=default_chain(None).id)
        self.labels: dict[int, str] = {}
        self._drawn = 0

    def publish(self, label: str, *, honest: bool = True, threshold: float = 0.0) -> VersionRecord:
        """A version that calls everybody by one label; another threshold makes another one."""
        head = small_head(256)
        bias = np.array([9.0 * (name == label) for name in head.labels], np.float32)
        head = replace(head, weight=head.weight * np.float32(0), bias=bias, threshold=threshold)
        golden = golden_faces()
        said = head.confidences(self.embedder.embed(golden))
        said = said if honest else 1 - said
        evidence = evidence_of(head, golden=golden, confidences=said)
        artifact = small_artifact(head, spec=self.embedder.spec, evidence=evidence)
        artifacts.save(artifact, artifacts.stored_path(artifact.sha256, home=self.home))
        version = registry.publish(self.ledger.database, artifact)
        self.labels[version.id] = label
        return version

    def activate(self, version: VersionRecord) -> None:
        """Make it the live version."""
        registry.activate(self.ledger.database, version.id, why="a test")

    def work_until(self, condition: Callable[[], bool]) -> None:
        """Keep the worker busy with new images until something holds."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.worker.log.read_text()
            if self.open_jobs() < 3:
                self._offer()
            time.sleep(0.02)

    def open_jobs(self) -> int:
        """Jobs that are not done."""
        return int(self.ledger.value("SELECT count(*) FROM jobs WHERE state <> 'done'"))

    def serve(self, version: VersionRecord) -> None:
        """Work until a job that was cut from now on is done by this version."""
        newest = self.ledger.value("SELECT coalesce(max(id), 0) FROM jobs")
        query = "SELECT count(*) FROM jobs WHERE id > :newest AND version_id = :version"
        ask = self.ledger.value
        self.work_until(lambda: bool(ask(query, newest=newest, version=version.id)))

    def finish(self) -> None:
        """Wait for the jobs that are open."""
        deadline = time.monotonic() + PATIENCE
        while self.open_jobs():
            assert time.monotonic() < deadline, self.worker.log.read_text()
            time.sleep(0.02)

    def refusals(self, version: VersionRecord) -> list[str]:
        """Why the worker refuses a version."""
        with self.ledger.database.read() as connection:
            found = models.refusals(connection, version_id=version.id)
        return [refusal.reason for refusal in found]

    def _offer(self) -> None:
        paths = []
        for _ in range(4):
            self._drawn += 1
            (self.archive / f"{self._drawn}.png").write_bytes(face_png(self._drawn))
            paths.append(f"{self._drawn}.png".encode())
        self.ledger.register(self.run, *paths)
        publish(self.ledger.database, self.app, [self.ledger.cut(self.run)])


@contextmanager
def working(home: Path, url: str, embedder: Embedder) -> Iterator[Station]:
    """A station with its worker running; no URL means a SQLite file in its home."""
    (home / "backbones").mkdir(exist_ok=True)
    for file in (embedder._home / "backbones").iterdir():
        (home / "backbones" / file.name).symlink_to(file)
    if not url:
        url = f"sqlite:///{home / 'kaolabel.db'}"
        migrate(url)
    with EmbeddedRedis(home) as server:
        station = Station(home, url, server, embedder)
        with station.worker:
            yield station
        station.ledger.database.close()


def require_one_version_a_job(station: Station) -> None:
    """Every job is done at the first attempt, and its faces have its version's label alone."""
    rows = station.ledger.rows(
        "SELECT jobs.attempts, jobs.version_id, images.version_id,"
        " predictions.version_id, predictions.label"
        " FROM jobs JOIN images ON images.job_id = jobs.id"
        " JOIN faces ON faces.detection_id = images.detection_id"
        " LEFT JOIN predictions ON predictions.face_id = faces.id"
    )
    assert len(rows) == 4 * station.ledger.value("SELECT count(*) FROM jobs WHERE state = 'done'")
    for attempts, version, of_image, of_face, label in rows:
        assert (attempts, of_image, of_face) == (1, version, version)
        assert label == station.labels[version]
