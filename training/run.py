"""One training from request to verdict: lock, examples, fit, publish, gate."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from db.errors import UsageError
from db.logs.fields import bound, fields
from db.store import trainings
from training import promote, sources, trainer
from training.lock import BusyError, TrainingLock
from training.request import TrainingRequest, note
from training.verdict import Limits
from worker.configured import check_detectors, configured_chain, decoder_pool
from worker.models import registry
from worker.settings import WorkerSettings
from worker.vision.embed import parse_taps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from db.engine import Database
    from db.records import TrainingRecord, VersionRecord
    from training.settings import TrainingSettings
    from training.trainer import TrainedModel
    from training.verdict import Verdict
    from worker.progress import Progress
    from worker.sandbox.pool import DecoderPool

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a training.

    Attributes:
        training_id: its number.
        version: what was published.
        trained: the model and how it was made.
        verdict: what the gate decided.
    """

    training_id: int
    version: VersionRecord
    trained: TrainedModel
    verdict: Verdict


class TooNewError(trainings.TrainingLostError):
    """Raised when a training is left to newer trainers; it stays queued."""


def train_now(
    database: Database,
    request: TrainingRequest,
    *,
    home: Path,
    settings: TrainingSettings,
    listener: Progress,
) -> Outcome:
    """Request a training and carry it out at once, as `run_training` does.

    Raises:
        BusyError: another training runs; this one is closed, as nobody else would begin it.
        KaolabelError: nothing was published, and the active model goes on.
    """
    record = note(database, request, trigger="command")
    try:
        return run_training(database, record, home=home, settings=settings, listener=listener)
    except BusyError as error:
        reason = str(error)
        database.commit(lambda c: trainings.fail(c, record.id, error=reason))
        raise


def run_training(
    database: Database,
    training: TrainingRecord,
    *,
    home: Path,
    settings: TrainingSettings,
    listener: Progress,
) -> Outcome:
    """Carry out a queued training; it ends as done or failed, whatever happens.

    Args:
        database: the ledger.
        training: what was asked for.
        home: kaolabel's own folder.
        settings: of this machine.
        listener: is told of every step.

    Returns:
        What came of it.

    Raises:
        BusyError: another training runs; this one stays queued.
        TooNewError: it has options that only newer trainers know; it stays queued for them.
        KaolabelError: nothing was published, and the active model goes on.
    """
    request = _understand(training)
    with (
        bound(training=training.id),
        TrainingLock(database, training, listener=listener) as lock,
    ):
        parent = registry.active(database)
        examples = gather(database, request, home=home, settings=settings, progress=lock.report)
        trained = trainer.train(
            examples,
            plan=plan(request, settings),
            home=home,
            parent=None if parent is None else parent.sha256,
            progress=lock.report,
        )
        lock.require()
        version = database.commit(lambda c: _publish(c, training.id, trained))
        verdict = promote.promote(
            database,
            home=home,
            candidate=version,
            examples=trained.held_out,
            limits=Limits(margin=request.margin, max_change=request.max_change),
            force=request.force,
            why=f"trained on {request.sources}",
            cache=trainer.cache_folder(home),
            progress=lock.report,
        )
        database.commit(lambda c: trainings.finish(c, training.id, verdict=str(verdict)))
    told = fields(training=training.id, version=version.id, activated=verdict.activates)
    logger.info("training %d is done: %s", training.id, verdict, extra=told)
    return Outcome(training.id, version, trained, verdict)


def _understand(training: TrainingRecord) -> TrainingRequest:
    try:
        return TrainingRequest.of_json(training.request)
    except UsageError as error:
        # It was checked when it was asked for, by who knew more.
        raise TooNewError(
            f"training {training.id} is left to newer trainers, upgrade this one: {error}"
        ) from error


def gather(
    database: Database,
    request: TrainingRequest,
    *,
    home: Path,
    settings: TrainingSettings,
    progress: Progress,
) -> sources.Examples:
    """The examples that a request names.

    Raises:
        UsageError: they cannot be learned from.
        DetectorError: faces must be found in scenes, and no detector works here.
    """
    found = sources.Examples()
    if request.folder is not None:
        with decoders(home) as pool:
            found += sources.from_folder(
                Path(request.folder),
                least_usable=settings.least_usable,
                examine=lambda items: pool.examine(items, whole=request.crops),
                progress=progress,
            )
    if request.from_annotations:
        found += sources.from_annotations(database)
    return sources.require_labels(found, sources=request.sources)


def plan(request: TrainingRequest, settings: TrainingSettings) -> trainer.Plan:
    """How to train, as a request and this machine's settings say."""
    return trainer.Plan(
        backbone=request.backbone or settings.backbone,
        taps=None if request.taps is None else parse_taps(request.taps),
        size=request.size,
        fine_tune=request.fine_tune,
        epochs=request.epochs,
        hold_out=request.hold_out,
        threshold=request.threshold,
        seed=settings.seed,
    )


@contextmanager
def decoders(home: Path, *, input_size: int = 96) -> Iterator[DecoderPool]:
    """Decoders of our own for the images to learn from; they are archive bytes like any other."""
    settings = WorkerSettings()
    chain = configured_chain(settings, home)
    check_detectors(settings, chain)
    with decoder_pool(settings, chain, input_size=input_size) as pool:
        yield pool


def _publish(connection: Connection, training_id: int, trained: TrainedModel) -> VersionRecord:
    version = registry.register(connection, trained.artifact)
    trainings.publish(connection, training_id, version_id=version.id)
    return version
