"""Everything that a run needs around it: database, broker, workers, detectors, an active model."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from db import schema
from db.errors import UsageError
from db.records import RunState
from db.settings import DatabaseSettings
from db.store import jobs, runs
from worker.broker.app import check, create_app
from worker.broker.embedded import EmbeddedRedis
from worker.broker.embedded_worker import EmbeddedWorker
from worker.broker.settings import BrokerSettings
from worker.configured import check_detectors, configured_chain
from worker.models import artifact, backbone
from worker.models.registry import active, require_active
from worker.settings import WorkerSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from celery import Celery

    from db.engine import Database
    from db.records import RunRecord
    from worker.vision.chain import Chain


@dataclass(frozen=True, slots=True)
class Session:
    """An open ledger and a broker with workers behind it.

    Attributes:
        watch: keeps workers of our own alive; does nothing about others'.
        embedded: whether Redis and workers are our own.
    """

    database: Database
    app: Celery
    chain: Chain
    watch: Callable[[], None]
    embedded: bool

    @property
    def animeface_alone(self) -> bool:
        """Whether no cascade takes part in the search."""
        return all(step.cascade is None for step in self.chain.steps)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a labelling command."""

    database: DatabaseSettings
    broker: BrokerSettings
    worker: WorkerSettings


def read_settings() -> Settings:
    """The settings that the environment describes."""
    return Settings(DatabaseSettings(), BrokerSettings(), WorkerSettings())


@contextmanager
def open_session(settings: Settings, database: Database) -> Iterator[Session]:
    """A broker that answers, with workers of our own where none is named.

    Raises:
        DetectorError: when the detectors do not work here.
        UnavailableError: when the broker does not answer.
    """
    chain = configured_chain(settings.worker, settings.database.home)
    check_detectors(settings.worker, chain)
    with ExitStack() as stack:
        if settings.broker.broker_url is not None:
            app = create_app(settings.broker.broker_url.get_secret_value(), settings.broker)
            check(app)
            yield Session(database, app, chain, lambda: None, embedded=False)
            return
        redis = stack.enter_context(EmbeddedRedis(settings.database.home))
        app = create_app(redis.url, settings.broker)
        environment = _worker_environment(settings, redis.url)
        worker = stack.enter_context(EmbeddedWorker(settings.database.home, environment))

        def watch() -> None:
            redis.watch()
            worker.watch()

        yield Session(database, app, chain, watch, embedded=True)


def begin(session: Session, *, root: bytes, detect_only: bool) -> RunRecord:
    """A new run in an archive.

    Raises:
        UsageError: when another command is at work in the same archive.
    """
    with session.database.write() as connection:
        _require_idle(runs.live_on(connection, root))
        return runs.start(connection, root=root, chain_id=session.chain.id, detect_only=detect_only)


def take_up(session: Session, run: RunRecord) -> RunRecord:
    """An unfinished run, made active again.

    Raises:
        UsageError: when its command is still at work, or the detectors are other ones now.
    """
    if run.chain_id != session.chain.id:
        raise UsageError(
            f"run {run.id} was begun with the detectors {run.chain_id}, here are"
            f" {session.chain.id}: set KAOLABEL_CASCADE as it was, or label the archive anew"
        )
    with session.database.write() as connection:
        if not session.embedded:
            # An embedded Redis is locked to one command, so that command cannot be alive.
            _require_idle(runs.live_on(connection, run.root))
        jobs.take_over(connection, run.id, workers_are_dead=session.embedded)
        return runs.activate(connection, run.id)


def unfinished_run(database: Database, number: int | None) -> RunRecord:
    """The run to resume: the one of that number, else the newest that is not finished.

    Raises:
        UsageError: when there is none, or it is finished.
    """
    states = (RunState.ACTIVE, RunState.STOPPED)
    with database.read() as connection:
        if number is None:
            run = runs.latest(connection, state=states)
            if run is None:
                raise UsageError("no run is unfinished: there is nothing to resume")
            return run
        run = runs.find(connection, number)
    if run.state not in states:
        raise UsageError(f"run {number} is {run.state}: there is nothing to resume")
    return run


def active_version_id(database: Database) -> int | None:
    """The number of the active model version, if any."""
    version = active(database)
    return None if version is None else version.id


def require_model(settings: Settings, database: Database) -> None:
    """Prove that there is an active model, and that workers of our own can load it.

    Raises:
        UsageError: when there is none.
        ModelError: when it is damaged.
    """
    version = require_active(database)
    if settings.broker.embedded:
        # Workers of others may have other homes; ours would give back every job, again and again.
        home = settings.database.home
        model = artifact.load(artifact.stored_path(version.sha256, home=home), version.sha256)
        spec = model.manifest.embedder
        if spec.source != backbone.SEEDED:
            backbone.load(spec.source, spec.sha256, home=home)


def open_ledger(settings: Settings) -> Database:
    """The database, set up where it is empty."""
    return schema.connect(settings.database)


def _require_idle(run: RunRecord | None) -> None:
    if run is not None:
        raise UsageError(
            f"run {run.id} is at work in this archive right now; wait for it, or stop it"
        )


def _worker_environment(settings: Settings, broker_url: str) -> dict[str, str]:
    return {
        **os.environ,
        "KAOLABEL_HOME": str(settings.database.home.absolute()),
        "KAOLABEL_BROKER_URL": broker_url,
        "PYTHONUNBUFFERED": "1",
    }
