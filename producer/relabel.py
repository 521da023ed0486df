"""Relabelling: which version it aims at, how it is begun or taken up, and its way to the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db.errors import UsageError
from db.store import jobs, relabels, runs
from producer.drive import Tender
from producer.session import require_loadable
from worker.models import registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from db.engine import Database
    from db.records import Progress, RelabelRecord, VersionRecord
    from db.store.producers import Producer
    from producer.queue import Queue
    from producer.session import Settings


def target(settings: Settings, database: Database, name: str | None) -> VersionRecord:
    """The version that a person named, else the active one, proven to be of use here.

    Raises:
        UsageError: when there is no such version, or none is active.
        ModelError: when workers of our own cannot load it.
    """
    active = registry.require_active
    version = active(database) if name is None else registry.find(database, name)
    with database.read() as connection:
        embeds = relabels.without_embedding(connection, version.id) > 0
    require_loadable(settings, version, embeds=embeds)
    return version


def begin(queue: Queue, version: VersionRecord) -> RelabelRecord:
    """A relabelling by the version: the one that was stopped on its way there, else a new one.

    Raises:
        UsageError: when another command is relabelling right now.
    """
    with queue.database.write() as connection:
        if not queue.embedded:
            # An embedded Redis is locked to one command, so that command cannot be alive.
            _require_idle(relabels.live(connection))
        stopped = relabels.unfinished(connection)
        if stopped is None or stopped.version_id != version.id:
            return relabels.start(connection, version_id=version.id)
        jobs.take_over(connection, stopped.id, workers_are_dead=queue.embedded)
        return relabels.activate(connection, stopped.id)


def drive(
    queue: Queue, relabel: RelabelRecord, *, report: Callable[[Progress, list[str]], None]
) -> RelabelRecord:
    """Publish and wait until every face has been seen by the version; the finished relabelling.

    Raises:
        UsageError: when another relabelling has taken this one's place.
        UnavailableError: when workers of our own cannot go on.
    """
    tender = Tender(queue.database, queue.app, relabel, watch=queue.watch, report=report)
    tender.wait()
    database = tender.database
    database.commit(lambda connection: relabels.settle(connection, relabel.version_id))
    database.commit(lambda connection: runs.finish(connection, relabel.id))
    return database.fetch(lambda connection: relabels.get(connection, relabel.id))


def _require_idle(other: Producer | None) -> None:
    if other is not None:
        raise UsageError(
            f"run {other.run_id} is relabelling right now ({other.holder}); wait for it, or stop"
            f" it; if it is dead, come again in {other.patience} s"
        )
