"""The lock under which a training runs: one at a time, and free again when its holder dies."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from sqlalchemy.exc import DBAPIError, IntegrityError

from db.errors import KaolabelError, UsageError
from db.logs.fields import carried, fields
from db.process import is_dead, this_process
from db.store import trainings

if TYPE_CHECKING:
    from types import TracebackType

    from db.engine import Database
    from db.records import TrainingRecord
    from worker.progress import Progress

logger = logging.getLogger(__name__)

# Progress is written this often, and the lease renewed with it.
_BEAT = 2.0
_ERROR_LENGTH = 1000


class BusyError(UsageError):
    """Raised when another training holds the lock."""


@dataclass(frozen=True, slots=True)
class _Step:
    """How far a training is; `since` is when the stage began, by the monotonic clock."""

    stage: str = "starting"
    done: int = 0
    total: int = 0
    detail: str = ""
    since: float = 0.0

    @property
    def text(self) -> str:
        """The detail, with the time that this stage will take."""
        left = self._left()
        return "; ".join(part for part in (self.detail, left) if part)

    def _left(self) -> str:
        if not 0 < self.done < self.total:
            return ""
        seconds = (time.monotonic() - self.since) / self.done * (self.total - self.done)
        return f"about {_duration(seconds)} left"


class TrainingLock:
    """Holds the one place for a running training, and tells the ledger how far it is.

    Use it as a context manager: a training that ends with an exception is marked as failed. Its
    `report` is a `Progress`.

    Args:
        database: the ledger.
        training: a queued training.
        listener: is told of every step as well.
    """

    def __init__(self, database: Database, training: TrainingRecord, *, listener: Progress) -> None:
        self._database = database
        self._training = training
        self._listener = listener
        self._step = _Step(since=time.monotonic())
        self._ended = threading.Event()
        self._lost = False
        self._thread = threading.Thread(target=carried(self._beat), name="training", daemon=True)

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            BusyError: when another training has it; the training stays queued.
            TrainingLostError: when the training is not queued any more.
        """
        take(self._database, self._training.id)
        logger.info("training %d begins", self._training.id)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop renewing; mark the training as failed where it was not finished."""
        self._ended.set()
        self._thread.join()
        self._tell_end(self._step)
        if error is not None:
            reason = _one_line(error)
            training_id = self._training.id
            self._database.commit(lambda c: trainings.fail(c, training_id, error=reason))

    def report(self, stage: str, done: int, total: int, detail: str = "") -> None:
        """Note a step.

        Raises:
            TrainingLostError: when the training was given up by others.
        """
        since = self._step.since
        if stage != self._step.stage:
            since = self._begin(stage, total)
        self._step = _Step(stage, done, total, detail, since)
        self.require()
        self._listener(stage, done, total, self._step.text)

    def _begin(self, stage: str, total: int) -> float:
        """Log that a stage follows the one before; since when."""
        self._tell_end(self._step)
        known = fields(stage=stage, steps=total)
        logger.info("training %d: %s begins", self._training.id, stage, extra=known)
        return time.monotonic()

    def _tell_end(self, step: _Step) -> None:
        took = round(time.monotonic() - step.since, 2)
        known = fields(stage=step.stage, steps=step.done, seconds=took)
        logger.info("training %d: %s ends", self._training.id, step.stage, extra=known)

    def require(self) -> None:
        """Go on only while the lock is held.

        Raises:
            TrainingLostError: when it is not.
        """
        if self._lost:
            raise trainings.TrainingLostError(
                f"training {self._training.id} was given up meanwhile; train again"
            )

    def _beat(self) -> None:
        while not self._ended.wait(_BEAT):
            step = replace(self._step)
            try:
                with self._database.write() as connection:
                    self._lost = not trainings.renew(
                        connection,
                        self._training.id,
                        stage=step.stage,
                        done=step.done,
                        total=step.total,
                        detail=step.text,
                    )
            except DBAPIError as error:
                # Publishing is fenced; until then a missed renewal risks work done twice at most.
                logger.warning("training %d not renewed: %s", self._training.id, error.orig)
            if self._lost:
                return


def take(database: Database, training_id: int) -> None:
    """Take the lock for a queued training; that of a holder who is dead is free.

    Raises:
        BusyError: when another training has it.
        TrainingLostError: when the training is not queued any more.
    """
    bury(database)
    try:
        with database.write() as connection:
            started = trainings.start(connection, training_id, holder=this_process())
    except IntegrityError as error:
        with database.read() as connection:
            other = trainings.running(connection)
        who = "another training" if other is None else f"training {other.id} ({other.holder})"
        raise BusyError(
            f"{who} is running, and only one may: wait for it (`kaolabel status` follows it)"
        ) from error
    if not started:
        raise trainings.TrainingLostError(f"training {training_id} does not wait any more")


def bury(database: Database) -> None:
    """Close the running training if its holder is dead: silent for long, or gone from this host."""
    with database.write() as connection:
        trainings.bury(connection)
        other = trainings.running(connection)
        if other is not None and is_dead(other.holder or ""):
            trainings.fail(connection, other.id, error=trainings.DIED)


def _one_line(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted; train again, and it goes on from what it had cached"
    text = " ".join(str(error).split()) or type(error).__name__
    kind = "" if isinstance(error, KaolabelError) else f"{type(error).__name__}: "
    return f"{kind}{text}"[:_ERROR_LENGTH]


def _duration(seconds: float) -> str:
    if seconds < 90:  # noqa: PLR2004  # people count so far in seconds
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"  # noqa: PLR2004  # as above
