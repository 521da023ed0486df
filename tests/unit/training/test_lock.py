"""The lock of a training: taken once, told of, and free when its holder is gone."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from db.errors import UsageError
from db.process import this_process
from db.records import TrainingState
from db.store import trainings
from training.lock import BusyError, TrainingLock, take

if TYPE_CHECKING:
    from db.engine import Database
    from db.records import TrainingRecord


def ask(database: Database) -> TrainingRecord:
    """A queued training."""
    with database.write() as connection:
        return trainings.request(connection, request="{}", trigger="command")


def look(database: Database, record: TrainingRecord) -> TrainingRecord:
    """The training as it stands."""
    with database.read() as connection:
        return trainings.get(connection, record.id)


def say_nothing(_stage: str, _done: int, _total: int, _detail: str = "") -> None:
    """Tell nobody."""


def hold_by(database: Database, holder: str) -> TrainingRecord:
    """A running training of some process."""
    record = ask(database)
    with database.write() as connection:
        trainings.start(connection, record.id, holder=holder)
    return record


def test_a_second_training_is_refused_and_stays_queued(database: Database) -> None:
    """Whoever comes second learns who is first, and may come again."""
    second = ask(database)
    with TrainingLock(database, ask(database), listener=say_nothing):
        with pytest.raises(BusyError, match=f":{os.getpid()}\\) is running"):
            take(database, second.id)
        assert look(database, second).state is TrainingState.QUEUED


def test_an_error_is_noted_in_one_line(database: Database) -> None:
    """A training that ends with an exception has failed, with the reason."""
    record = ask(database)
    with (
        pytest.raises(UsageError),
        TrainingLock(database, record, listener=say_nothing),
    ):
        raise UsageError("two\nlines")
    failed = look(database, record)
    assert (failed.state, failed.error) == (TrainingState.FAILED, "two lines")


def test_an_interrupt_is_noted(database: Database) -> None:
    """After Ctrl-C the ledger says so, and the next training may begin."""
    record = ask(database)
    with (
        pytest.raises(KeyboardInterrupt),
        TrainingLock(database, record, listener=say_nothing),
    ):
        raise KeyboardInterrupt
    assert "interrupted" in (look(database, record).error or "")
    take(database, ask(database).id)


def test_a_dead_process_of_this_host_holds_nothing(database: Database) -> None:
    """The next training need not wait for the lease of a process that is known to be gone."""
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    dead = hold_by(database, f"{this_process().rpartition(':')[0]}:{gone.pid}")
    take(database, ask(database).id)
    assert look(database, dead).error == trainings.DIED


def test_a_silent_process_elsewhere_holds_for_its_lease(database: Database) -> None:
    """Of another host nothing is known but its lease: it holds until that runs out."""
    silent = hold_by(database, "elsewhere:1")
    with pytest.raises(BusyError, match="elsewhere:1"):
        take(database, ask(database).id)
    with database.write() as connection:
        connection.execute(text("UPDATE trainings SET lease_until = 1 WHERE state = 'running'"))
    take(database, ask(database).id)
    assert look(database, silent).state is TrainingState.FAILED


def test_a_training_that_was_given_up_stops(database: Database) -> None:
    """A trainer that was taken for dead finds out before it does more work."""
    with TrainingLock(database, ask(database), listener=say_nothing) as lock:
        with database.write() as connection:
            connection.execute(text("UPDATE trainings SET state = 'failed'"))
        lock._thread.join(10)
        with pytest.raises(trainings.TrainingLostError):
            lock.report("embedding", 1, 2)


def test_progress_reaches_the_ledger_with_the_time_left(database: Database) -> None:
    """Others see stage, steps, detail and how long it will take."""
    record = ask(database)
    told: list[str] = []

    def tell(_stage: str, _done: int, _total: int, detail: str = "") -> None:
        told.append(detail)

    with TrainingLock(database, record, listener=tell) as lock:
        lock.report("fine-tuning", 1, 4, "epoch 1/4")
        assert told[0].startswith("epoch 1/4; about ")
        lock._ended.wait(3)
        seen = look(database, record)
    assert (seen.stage, seen.done, seen.total) == ("fine-tuning", 1, 4)
    assert seen.detail.startswith("epoch 1/4; about ")
