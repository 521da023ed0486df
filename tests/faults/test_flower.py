"""Flower, and all who only watch: killed, frozen, deaf, and looked at by strangers."""

from __future__ import annotations

import contextlib
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import flower.urls  # type: ignore[import-untyped]  # Flower ships no types
import pytest
from sqlalchemy import make_url

from tests.command import wait_for
from tests.faults.cluster import Cluster
from tests.faults.haste import slow
from tests.faults.services import RedisServer, Worker
from tests.watcher import Flower
from worker.broker.app import create_app
from worker.broker.messages import LABEL_JOB, label_job
from worker.broker.settings import BrokerSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.faults.conftest import Archive
    from tests.faults.labelling import Labelling
    from tests.postgres import Postgres

pytestmark = pytest.mark.xdist_group("faults")

BROKER_SECRET, DATABASE_SECRET = "broker-5ecret", "database-5ecret"

# What answers strangers: numbers for a scraper, a sign of life, a farewell, Flower's own pictures.
OPEN = {"/metrics", "/healthcheck", "/logout", "/static/css/flower.css"}
# Without the password, where there is no page, or by a method that a page does not have.
REFUSED = {401, 404, 405}


@dataclass(frozen=True, slots=True)
class Watched:
    """A worker whose servers have passwords, and a Flower that has seen it work.

    Attributes:
        routes: every path that Flower knows, of this worker and its task where it names one.
    """

    flower: Flower
    worker: str
    task: str

    @property
    def routes(self) -> list[str]:
        """Every path that Flower serves, its placeholders filled in."""
        patterns = [_pattern(handler) for handler in flower.urls.handlers]
        return sorted({self._filled(pattern) for pattern in patterns})

    def _filled(self, pattern: str) -> str:
        if pattern.startswith("/static/"):
            return "/static/css/flower.css"
        names_worker = "worker" in pattern or "timeout" in pattern or "rate-limit" in pattern
        name = self.worker if names_worker else self.task
        for group in ("(.+)", "(.*)"):
            pattern = pattern.replace(group, name)
        return pattern.replace("/?", "").replace(".*", "/no-such-page")


def _pattern(handler: Any) -> str:
    """The expression of a route, which Flower writes as a tuple or as an object."""
    written = handler[0] if isinstance(handler, tuple) else handler.regex.pattern
    return str(written).rstrip("$")


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[Watched]:
    """One worker and one Flower for all tests that only look."""
    folder = tmp_path_factory.mktemp("watched")
    with contextlib.ExitStack() as stack:
        database = make_url(stack.enter_context(postgres.lend(empty=False)))
        broker = RedisServer(folder / "redis")
        stack.callback(broker.stop)
        broker.start()
        with broker.client() as client:
            client.config_set("requirepass", BROKER_SECRET)
        environment = {
            **os.environ,
            "KAOLABEL_HOME": str(folder / "home"),
            "KAOLABEL_BROKER_URL": f"redis://:{BROKER_SECRET}@127.0.0.1:{broker.port}/0",
            "KAOLABEL_DATABASE_URL": database.set(password=DATABASE_SECRET).render_as_string(
                hide_password=False
            ),
        }
        worker = Worker(environment, folder / "worker.log")
        watching = Flower(environment, folder)
        for service in (worker, watching):
            stack.callback(service.stop)
            service.start()
        yield _at_work(watching, environment["KAOLABEL_BROKER_URL"], worker)


def _at_work(watching: Flower, url: str, worker: Worker) -> Watched:
    wait_for(lambda: " ready." in worker.log.read_text(), what="a worker")
    app = create_app(url, BrokerSettings())
    task = str(app.send_task(LABEL_JOB, kwargs=label_job(1)).id)
    app.close()
    wait_for(lambda: task in watching.ask("/api/tasks", known=True)[1], what="a task")
    name = f"worker-{worker.pid}@{socket.gethostname()}"
    return Watched(watching, name, task)


def require_no_secret(text: str) -> None:
    """Neither the broker's password nor the database's stands in a text."""
    assert BROKER_SECRET not in text
    assert DATABASE_SECRET not in text


def test_strangers_see_nothing(watched: Watched) -> None:
    """Without the password, no route tells of tasks or workers, but for the numbers in /metrics."""
    routes = watched.routes
    assert len(routes) > 30
    for path in routes:
        for method in ("GET", "POST", "DELETE"):
            status, body = watched.flower.ask(path, method=method)
            require_no_secret(body)
            assert status in REFUSED or path in OPEN, f"{method} {path}: {status}"
            assert watched.task not in body
            assert watched.worker not in body or path == "/metrics"


def test_the_pages_show_no_password(watched: Watched) -> None:
    """Who knows Flower's own password learns neither the broker's nor the database's."""
    bodies = {path: watched.flower.ask(path, known=True) for path in watched.routes}
    assert watched.worker in bodies["/workers"][1]
    assert watched.task in bodies["/tasks/datatable"][1] + bodies["/api/tasks"][1]
    assert "redis://" in bodies["/broker"][1]
    for _, body in bodies.values():
        require_no_secret(body)
    require_no_secret(watched.flower.log.read_text())


@pytest.mark.thorough
def test_labelling_does_without_flower(
    tmp_path: Path,
    sqlite_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
) -> None:
    """A Flower that is killed in the middle of a run costs it nothing, and comes back."""
    archive = archives(100)
    with (
        Cluster(tmp_path / "cluster", sqlite_url, hooks=slow()) as cluster,
        Flower(cluster.environment, tmp_path) as watching,
    ):
        labelling = cluster.label(archive.folder)
        labelling.until(20)
        labelling.fault(watching.kill)
        labelling.until(60)
        watching.start()
        labelling.finish()
        status, body = watching.ask("/api/tasks", known=True)
        verdict(labelling, archive)
    assert (status, body != "") == (200, True)


def test_labelling_waits_for_no_watcher(
    tmp_path: Path,
    sqlite_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
) -> None:
    """A frozen Flower costs a run nothing; who asks for all events and reads none is cut off."""
    archive = archives(100)
    with (
        Cluster(tmp_path / "cluster", sqlite_url) as cluster,
        Flower(cluster.environment, tmp_path) as watching,
        cluster.redis.connect() as deaf,
    ):
        watching.freeze()
        deaf.sendall(b"CLIENT SETNAME deaf\r\nPSUBSCRIBE *\r\n")
        labelling = cluster.label(archive.folder)
        labelling.until(1)
        with cluster.redis.client() as client:
            for _ in range(48):
                client.publish("/0.celeryev/worker.heartbeat", b"x" * (1 << 20))
            names = {one["name"] for one in client.client_list()}
        labelling.finish()
        frozen = {one.status() for one in watching.tree()}
        verdict(labelling, archive)
    assert "deaf" not in names
    assert frozen == {"stopped"}
