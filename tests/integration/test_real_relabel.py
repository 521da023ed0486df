"""A real worker on a real Redis relabels every face once, whatever becomes of the messages."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
import redis

from db.engine import Database
from producer import relabel
from producer.enqueue import FIRST_WATER, MIN_FACES, Enqueuer
from producer.queue import Queue
from tests.ledger import EMBEDDER, Ledger, face
from tests.models import publish_live, small_artifact, small_head
from worker.broker.app import create_app
from worker.broker.embedded import EmbeddedRedis
from worker.broker.embedded_worker import EmbeddedWorker
from worker.broker.messages import RELABEL_JOB, label_job
from worker.broker.settings import BrokerSettings
from worker.models import artifact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgres import Postgres

# More than the first messages carry, so that others follow.
FACES = MIN_FACES * (FIRST_WATER + 2)


class Station:
    """A ledger with faces and a model, a Redis, and a worker that is started later."""

    def __init__(self, home: Path, url: str, server: EmbeddedRedis) -> None:
        self.ledger = Ledger(Database(url, patience=20.0))
        self.server = server
        self.head = small_head()
        rng = np.random.default_rng(0)
        self.vectors = rng.normal(size=(FACES, self.head.dimension)).astype("<f2")
        found = [face(None, embedding=row.tobytes()) for row in self.vectors]
        self.faces = self.ledger.faces(*found)
        made = small_artifact(self.head)
        artifact.save(made, artifact.stored_path(made.sha256, home=home))
        self.version = publish_live(self.ledger.database, made, why="a test")
        # The faces were stored by an embedder of another name.
        self.ledger.execute(
            "UPDATE embeddings SET embedder_id = (SELECT embedder_id FROM model_versions)"
            " WHERE embedder_id = (SELECT id FROM embedders WHERE name = :name)",
            name=EMBEDDER,
        )
        environment = {
            **os.environ,
            "KAOLABEL_HOME": str(home),
            "KAOLABEL_BROKER_URL": server.url,
            "KAOLABEL_DATABASE_URL": url,
            "KAOLABEL_DECODERS": "1",
        }
        self.worker = EmbeddedWorker(home, environment)
        app = create_app(server.url, BrokerSettings())
        self.queue = Queue(self.ledger.database, app, self.worker.watch, embedded=True)


@pytest.fixture
def station(tmp_path: Path, postgres: Postgres) -> Iterator[Station]:
    """A station on PostgreSQL, whose worker is not started yet."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    with postgres.lend(empty=False) as url, EmbeddedRedis(home) as server:
        station = Station(home, url, server)
        yield station
        station.queue.app.close()
        station.ledger.database.close()


def test_lost_and_repeated_messages_have_one_effect(station: Station) -> None:
    """With the first messages lost and others sent thrice, every face has one prediction."""
    run = relabel.begin(station.queue, station.version)
    Enqueuer(station.ledger.database, station.queue.app, run).top_up()
    with redis.Redis(unix_socket_path=str(station.server.socket)) as client:
        client.flushall()
    # So that nobody has to wait for what the reconciler takes for lost.
    station.ledger.execute("UPDATE jobs SET published_at = published_at - 100")
    query = "SELECT id FROM jobs WHERE first_face > 0 ORDER BY id LIMIT 2"
    for (job,) in station.ledger.rows(query) * 3:
        station.queue.app.send_task(RELABEL_JOB, kwargs=label_job(job))
    with station.worker:
        relabel.drive(station.queue, run, report=lambda _progress, _complaints: None)
    query = "SELECT face_id, label, confidence, unknown FROM predictions ORDER BY face_id"
    assert station.ledger.rows(query) == [
        (number, one.label, one.confidence, one.unknown)
        for number, one in zip(station.faces, station.head.predict(station.vectors), strict=True)
    ]
    query = "SELECT max(attempts), max(generation) FROM jobs WHERE run_id = :run"
    assert station.ledger.rows(query, run=run.id) == [(1, 1)]
