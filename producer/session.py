"""Everything that a run needs around it: database, queue, detectors, an active model."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from db import schema
from db.errors import UsageError
from db.settings import DatabaseSettings
from db.store import jobs, producers, relabels, runs
from producer.queue import Queue, open_queue
from worker.background import Background
from worker.broker.settings import BrokerSettings
from worker.configured import check_detectors, configured_chain
from worker.models.registry import active
from worker.reading import require_allowed
from worker.settings import WorkerSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection

    from db.engine import Database
    from db.records import RelabelRecord, RunRecord, VersionRecord
    from worker.vision.chain import Chain


@dataclass(frozen=True, slots=True)
class Session(Queue):
    """A queue for images, with the detectors that its workers must have."""

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
    settings: Settings,
    database: Database,
    *,
    archives: Sequence[bytes],
    version: VersionRecord | None,
) -> Iterator[Session]:
    """A broker that answers, and detectors; with workers of our own where none is named.

    Only what workers of our own need is proven here, as those of others prove it for themselves.

    Args:
        settings: of the command.
        database: the ledger.
        archives: that are to be labelled; workers of our own read nothing else.
        version: the model that workers will classify by, or None where they only detect.

    Raises:
        ArchiveOutsideError: when the settings do not let an archive be read here.
        DetectorError: when the detectors do not work here.
        ModelError: when artifact or backbone are missing or damaged here.
        UnavailableError: when the broker does not answer.
    """
    for root in archives:
        require_allowed(root, settings.worker.archive_roots)
    chain = configured_chain(settings.worker, settings.database.home)
    proofs = _begin_proofs(settings, chain, version) if settings.broker.embedded else []
    prepare = "decoders" if version is None else "model"
    with open_queue(settings, database, archives=archives, prepare=prepare) as queue:
        for proof in proofs:
            proof.result()
        yield Session(database, queue.app, queue.watch, queue.embedded, chain)


def _begin_proofs(
    settings: Settings, chain: Chain, version: VersionRecord | None
) -> list[Background[object]]:
    """Prove detectors and model while the servers start, which takes as long."""
    check = partial(check_detectors, settings.worker, chain)
    proofs: list[Background[object]] = [Background(check, name="detectors")]
    if version is not None:
        load = partial(require_loadable, settings, version, embeds=True)
        proofs.append(Background(load, name="model"))
    return proofs


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
    # NumPy and the formats of models take a while to load, too.
    from worker.models import artifact, backbone

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
