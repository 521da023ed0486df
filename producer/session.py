"""Everything that a run needs around it: database, broker, workers, detectors, an active model."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from db import schema
from db.errors import UsageError
from db.settings import DatabaseSettings
from db.store import jobs, producers, relabels, runs
from worker.broker.app import check, create_app
from worker.broker.embedded import EmbeddedRedis
from worker.broker.embedded_worker import EmbeddedWorker
from worker.broker.settings import BrokerSettings
from worker.configured import check_detectors, configured_chain
from worker.models import artifact, backbone
from worker.models.registry import active, require_active
from worker.reading import require_allowed
from worker.settings import WorkerSettings, join_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from celery import Celery
    from sqlalchemy import Connection

    from db.engine import Database
    from db.records import RelabelRecord, RunRecord, VersionRecord
    from worker.vision.chain import Chain


@dataclass(frozen=True, slots=True)
class Queue:
    """An open ledger and a broker with workers behind it.

    Attributes:
        watch: keeps workers of our own alive; does nothing about others'.
        embedded: whether Redis and workers are our own.
    """

    database: Database
    app: Celery
    watch: Callable[[], None]
    embedded: bool


@dataclass(frozen=True, slots=True)
class Session(Queue):
    """A queue for images, with the detectors that were proven to work here."""

    chain: Chain

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
def open_session(
    settings: Settings, database: Database, *, archives: Sequence[bytes]
) -> Iterator[Session]:
    """A broker that answers, with workers of our own where none is named, and detectors.

    Args:
        settings: of the command.
        database: the ledger.
        archives: that are to be labelled; workers of our own read nothing else.

    Raises:
        ArchiveOutsideError: when the settings do not let an archive be read here.
        DetectorError: when the detectors do not work here.
        UnavailableError: when the broker does not answer.
    """
    for root in archives:
        require_allowed(root, settings.worker.archive_roots)
    chain = configured_chain(settings.worker, settings.database.home)
    check_detectors(settings.worker, chain)
    with open_queue(settings, database, archives=archives) as queue:
        yield Session(database, queue.app, queue.watch, queue.embedded, chain)


@contextmanager
def open_queue(
    settings: Settings, database: Database, *, archives: Sequence[bytes] = ()
) -> Iterator[Queue]:
    """A broker that answers, with workers of our own where none is named.

    Args:
        settings: of the command.
        database: the ledger.
        archives: all that workers of our own may read.

    Raises:
        UnavailableError: when the broker does not answer.
    """
    with ExitStack() as stack:
        if settings.broker.broker_url is not None:
            app = create_app(settings.broker.broker_url.get_secret_value(), settings.broker)
            check(app)
            yield Queue(database, app, lambda: None, embedded=False)
            return
        redis = stack.enter_context(EmbeddedRedis(settings.database.home))
        app = create_app(redis.url, settings.broker)
        environment = _worker_environment(settings, redis.url, archives)
        worker = stack.enter_context(EmbeddedWorker(settings.database.home, environment))

        def watch() -> None:
            redis.watch()
            worker.watch()

        yield Queue(database, app, watch, embedded=True)


def begin(
    session: Session,
    *,
    root: bytes,
    detect_only: bool,
    also: Callable[[Connection, RunRecord], None] | None = None,
) -> RunRecord:
    """A new run in an archive.

    Args:
        session: with detectors and workers.
        root: the archive's folder.
        detect_only: whether faces are stored without being classified.
        also: what else is done in the transaction that begins the run.

    Raises:
        UsageError: when another command is at work in the same archive.
    """
    with session.database.write() as connection:
        # First, so that of two commands at the same time the second one sees the first.
        runs.archive(connection, root)
        require_idle(connection, root)
        run = runs.start(connection, root=root, chain_id=session.chain.id, detect_only=detect_only)
        if also is not None:
            also(connection, run)
        return run


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
        runs.archive(connection, run.root)
        if not session.embedded:
            # An embedded Redis is locked to one command, so that command cannot be alive.
            require_idle(connection, run.root)
        jobs.take_over(connection, run.id, workers_are_dead=session.embedded)
        return runs.activate(connection, run.id)


def unfinished_run(database: Database, number: int | None) -> RunRecord | RelabelRecord:
    """The run to resume: the one of that number, else the newest that is not finished.

    Raises:
        UsageError: when there is none, or it is finished.
    """
    with database.read() as connection:
        if number is None:
            return _newest_unfinished(connection)
        try:
            run = relabels.either(connection, number)
        except LookupError as error:
            raise UsageError(f"{error}; `kaolabel status` lists them") from error
    if run.state not in runs.UNFINISHED:
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
    require_loadable(settings, require_active(database), embeds=True)


def require_loadable(settings: Settings, version: VersionRecord, *, embeds: bool) -> None:
    """Prove that workers of our own can load a version.

    Workers of others may have other homes; ours would give back every job, again and again.

    Args:
        settings: name the home, and whether the workers are our own.
        version: what they will load.
        embeds: whether they need its backbone, too.

    Raises:
        ModelError: when artifact or backbone are missing or damaged.
    """
    if not settings.broker.embedded:
        return
    home = settings.database.home
    model = artifact.load_stored(version.sha256, home=home)
    spec = model.manifest.embedder
    if embeds and spec.source != backbone.SEEDED:
        backbone.load(spec.source, spec.sha256, home=home)


def require_idle(connection: Connection, root: bytes) -> None:
    """Prove that no other command is at work in the archive at `root`.

    Raises:
        UsageError: when one is.
    """
    other = producers.live_on(connection, root)
    if other is not None:
        raise UsageError(
            f"run {other.run_id} is at work in this archive right now ({other.holder}); wait for"
            f" it, or stop it; if it is dead, come again in {other.patience} s"
        )


def open_ledger(settings: Settings) -> Database:
    """The database, set up where it is empty."""
    return schema.connect(settings.database)


def _newest_unfinished(connection: Connection) -> RunRecord | RelabelRecord:
    found = (
        runs.latest(connection, state=runs.UNFINISHED),
        relabels.unfinished(connection),
    )
    open_runs = [run for run in found if run is not None]
    if not open_runs:
        raise UsageError("no run is unfinished: there is nothing to resume")
    return max(open_runs, key=lambda run: run.id)


def _worker_environment(
    settings: Settings, broker_url: str, archives: Sequence[bytes]
) -> dict[str, str]:
    return {
        **os.environ,
        "KAOLABEL_HOME": str(settings.database.home.absolute()),
        "KAOLABEL_BROKER_URL": broker_url,
        "KAOLABEL_ARCHIVE_ROOTS": join_folders(archives),
        "PYTHONUNBUFFERED": "1",
    }
