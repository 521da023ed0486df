"""Flower as people run it beside the workers: killed at work, and looked at by strangers."""

from __future__ import annotations

import base64
import contextlib
import os
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import flower.urls  # type: ignore[import-untyped]  # Flower ships no types
import pytest
from sqlalchemy import make_url

from tests.command import wait_for
from tests.faults.cluster import Cluster
from tests.faults.haste import slow
from tests.faults.services import Child, RedisServer, Worker, free_port
from worker.broker.app import create_app
from worker.broker.messages import LABEL_JOB, label_job
from worker.broker.settings import BrokerSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.faults.conftest import Archive
    from tests.faults.labelling import Labelling
    from tests.postgres import Postgres

pytestmark = pytest.mark.xdist_group("faults")

USER, PASSWORD = "watcher", "flower-password"
BROKER_SECRET, DATABASE_SECRET = "broker-5ecret", "database-5ecret"

# What answers strangers: numbers for a scraper, a sign of life, a farewell, Flower's own pictures.
OPEN = {"/metrics", "/healthcheck", "/logout", "/static/css/flower.css"}
# Without the password, where there is no page, or by a method that a page does not have.
REFUSED = {401, 404, 405}


class Flower(Child):
    """A Flower with a password on a loopback port.

    Args:
        environment: of the workers that it watches.
        folder: for its log.
    """

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "celery", "-A", "worker.entry", "flower"]
        command += ["--address=127.0.0.1", f"--port={self.port}", "--max_tasks=10000"]
        settings = {**environment, "FLOWER_BASIC_AUTH": f"{USER}:{PASSWORD}"}
        super().__init__(command, settings, folder / "flower.log")

    def launch(self) -> None:
        """Start it, and wait until it answers."""
        super().launch()
        wait_for(lambda: self.ask("/healthcheck")[0] == 200, what="Flower's start")

    def ask(self, path: str, *, method: str = "GET", known: bool = False) -> tuple[int, str]:
        """Status and body of a page, with the password or without; 0 while nobody answers."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)
        if known:
            token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            request.add_header("Authorization", f"Basic {token}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # on loopback
                return answer.status, answer.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")
        except OSError:
            return 0, ""


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
    name = next(line for line in worker.log.read_text().split() if line.startswith("celery@"))
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
    with Cluster(tmp_path / "cluster", sqlite_url, hooks=slow()) as cluster:
        watching = Flower(cluster.environment, tmp_path)
        watching.start()
        labelling = cluster.label(archive.folder)
        labelling.until(20)
        labelling.fault(watching.kill)
        labelling.until(60)
        watching.start()
        labelling.finish()
        status, body = watching.ask("/api/tasks", known=True)
        watching.stop()
        verdict(labelling, archive)
    assert (status, body != "") == (200, True)
