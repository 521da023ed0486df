"""`kaolabel label` as people start it: embedded, or with Redis, PostgreSQL and a worker."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text

from bench.peers.meter import Meter, call, measure
from bench.peers.result import Found, Result, named
from db import schema
from db.engine import Database
from db.settings import DatabaseSettings
from tests.postgres import import_server
from worker.broker import tether
from worker.broker.embedded import EmbeddedRedis
from worker.models import artifact, registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.peers.meter import Cost
    from bench.peers.order import Order

_KAOLABEL = (sys.executable, "-m", "kaolabel")

# From the first claim, before which the worker has loaded its model, to the last commit.
_STEADY = "SELECT max(finished_at) - min(claimed_at) FROM jobs"
_IMAGES = "SELECT count(*) FROM images"
_FACES = (
    "SELECT images.path, faces.x0, faces.y0, faces.x1, faces.y1,"
    " predictions.label, predictions.unknown FROM images"
    " JOIN faces ON faces.detection_id = images.detection_id"
    " JOIN predictions ON predictions.face_id = faces.id"
)


def environment(order: Order, **more: str) -> dict[str, str]:
    """This process's environment without its settings of kaolabel, and with the order's."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("KAOLABEL_")}
    cascade = {"KAOLABEL_CASCADE": str(order.cascade)} if order.cascade else {}
    return {**bare, **cascade, **more}


def embedded(order: Order) -> tuple[Cost, Result]:
    """Label with a Redis, a worker and a SQLite of its own; the start and the end count."""
    with _copy(order.home) as home:
        settings = environment(order, KAOLABEL_HOME=str(home))
        cost = measure(_command(order), settings, log=home / "label.log")
        return cost, _outcome(DatabaseSettings(home=home, database_url=None).url)


def with_servers(order: Order) -> tuple[Cost, Result]:
    """Label by Redis and PostgreSQL, which run already; the worker's start counts."""
    with ExitStack() as stack:
        # First in and last out: at its end the servers have to be gone.
        meter = stack.enter_context(Meter())
        home = stack.enter_context(_copy(order.home))
        url = stack.enter_context(_postgres())
        _publish(home, url)
        redis = stack.enter_context(EmbeddedRedis(home / "server"))
        own = {
            "KAOLABEL_HOME": str(home),
            "KAOLABEL_DATABASE_URL": url,
            "KAOLABEL_BROKER_URL": redis.url,
        }
        settings = environment(order, **own)
        meter.start_clock()
        with _worker(settings, home / "worker.log"):
            call(_command(order), settings, log=home / "label.log")
            meter.stop_clock()
        found = _outcome(url)
    return meter.cost, found


def _command(order: Order) -> list[str]:
    return [*_KAOLABEL, "label", str(order.archive), "--json"]


@contextmanager
def _worker(settings: Mapping[str, str], log: Path) -> Iterator[None]:
    with log.open("ab") as stream:
        process = subprocess.Popen(
            tether.command([*_KAOLABEL, "worker"], signal=signal.SIGKILL),
            env=settings,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    try:
        yield
    finally:
        # It has nothing in hand, but Celery would sleep out its patience.
        tether.stop(process, patience=2)


@contextmanager
def _copy(home: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="kao-bench-") as folder:
        yield Path(shutil.copytree(home, Path(folder, "home"), symlinks=True))


@contextmanager
def _postgres() -> Iterator[str]:
    """The URL of an empty database; a short path, as a socket lies in it."""
    folder = tempfile.mkdtemp(prefix="kao-pg-")
    server = import_server().get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def _publish(home: Path, url: str) -> None:
    """Make the home's active model that of an empty database, too."""
    own = schema.connect(DatabaseSettings(home=home, database_url=None))
    version = registry.require_active(own)
    own.close()
    database = Database(url)
    schema.upgrade(database)
    model = artifact.load_stored(version.sha256, home=home)
    registry.activate(database, registry.publish(database, model).id, why="a benchmark")
    database.close()


def _outcome(url: str) -> Result:
    database = Database(url)
    with database.read() as connection:
        images = connection.execute(text(_IMAGES)).scalar_one()
        steady = connection.execute(text(_STEADY)).scalar_one()
        faces = [
            Found(os.fsdecode(bytes(path)), (x0, y0, x1, y1), named(label, unknown=bool(unknown)))
            for path, x0, y0, x1, y1, label, unknown in connection.execute(text(_FACES))
        ]
    database.close()
    return Result(images, steady, tuple(faces))
