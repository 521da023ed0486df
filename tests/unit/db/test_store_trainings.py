"""Trainings in the ledger: one at a time, and none open for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from db.records import TrainingState
from db.store import trainings

if TYPE_CHECKING:
    from db.engine import Database
    from db.records import TrainingRecord

ASKED = '{"folder":null,"from_annotations":true}'


def ask(database: Database, *, trigger: str = "command", request: str = ASKED) -> int:
    """Request a training; its number."""
    with database.write() as connection:
        return trainings.request(connection, request=request, trigger=trigger).id


def begin(database: Database, training_id: int) -> bool:
    """Try to take the lock."""
    with database.write() as connection:
        return trainings.start(connection, training_id, holder="host:1")


def look(database: Database, training_id: int) -> TrainingRecord:
    """The training as it stands."""
    with database.read() as connection:
        return trainings.get(connection, training_id)


def silence(database: Database) -> None:
    """Let every lease run out."""
    with database.write() as connection:
        connection.execute(text("UPDATE trainings SET lease_until = 1"))


def test_a_training_runs_from_request_to_verdict(database: Database) -> None:
    """Request, lock, progress and verdict are all in the row."""
    training_id = ask(database)
    assert look(database, training_id).state is TrainingState.QUEUED
    assert begin(database, training_id)
    with database.write() as connection:
        assert trainings.renew(
            connection, training_id, stage="embedding", done=3, total=9, detail="so far"
        )
    running = look(database, training_id)
    assert (running.state, running.stage, running.done, running.total, running.detail) == (
        TrainingState.RUNNING,
        "embedding",
        3,
        9,
        "so far",
    )
    with database.write() as connection:
        trainings.finish(connection, training_id, verdict="as good")
    done = look(database, training_id)
    assert (done.state, done.verdict, done.error) == (TrainingState.DONE, "as good", None)


def test_the_database_lets_one_run_at_a_time(database: Database) -> None:
    """A second training cannot start while the first one runs, whoever asks."""
    first, second = ask(database), ask(database)
    assert begin(database, first)
    with pytest.raises(IntegrityError):
        begin(database, second)
    assert look(database, second).state is TrainingState.QUEUED
    with database.write() as connection:
        trainings.fail(connection, first, error="no")
    assert begin(database, second)


def test_a_training_starts_once(database: Database) -> None:
    """A second message for a training that ended starts nothing."""
    training_id = ask(database)
    assert begin(database, training_id)
    with database.write() as connection:
        trainings.finish(connection, training_id, verdict="done")
    assert not begin(database, training_id)


def test_a_silent_holder_loses_the_lock(database: Database) -> None:
    """A lease that ran out closes the training, and its holder cannot publish any more."""
    training_id = ask(database)
    begin(database, training_id)
    with database.write() as connection:
        assert trainings.bury(connection) == 0
    silence(database)
    with database.write() as connection:
        assert trainings.bury(connection) == 1
    lost = look(database, training_id)
    assert lost.state is TrainingState.FAILED
    assert lost.error == trainings.DIED
    with database.write() as connection:
        assert not trainings.renew(connection, training_id, stage="", done=0, total=0, detail="")
        with pytest.raises(trainings.TrainingLostError):
            trainings.publish(connection, training_id, version_id=1)


def test_waiting_trainings_are_found_again(database: Database) -> None:
    """What nobody has begun for a while is found, oldest first."""
    first, second = ask(database), ask(database)
    with database.read() as connection:
        assert trainings.unheard(connection, seconds=60) == []
        assert trainings.unheard(connection, seconds=-1) == [first, second]


def test_recent_shows_what_is_open_and_the_newest_that_is_closed(database: Database) -> None:
    """People see what runs and what came of the last one, not the whole history."""
    numbers = [ask(database) for _ in range(3)]
    for number in numbers[:2]:
        begin(database, number)
        with database.write() as connection:
            trainings.finish(connection, number, verdict="")
    with database.read() as connection:
        assert [found.id for found in trainings.recent(connection)] == numbers[1:]


def test_annotations_count_since_they_were_last_learned_from(database: Database) -> None:
    """A training that failed by itself counts as learned; folders and dead processes do not."""
    folder = ask(database, request='{"folder":"x","from_annotations":false}')
    begin(database, folder)
    with database.write() as connection:
        trainings.finish(connection, folder, verdict="")
        assert trainings.learned_until(connection) == 0
    killed = ask(database)
    begin(database, killed)
    silence(database)
    with database.write() as connection:
        trainings.bury(connection)
        assert trainings.learned_until(connection) == 0
    failed = ask(database)
    begin(database, failed)
    with database.write() as connection:
        trainings.fail(connection, failed, error="one label only")
        assert trainings.learned_until(connection) == look(database, failed).started_at


def test_a_trigger_waits_for_its_last_training(database: Database) -> None:
    """A schedule that comes round while its training waits or runs does not add another."""
    training_id = ask(database, trigger="schedule")
    with database.read() as connection:
        assert trainings.is_pending(connection, trigger="schedule")
        assert not trainings.is_pending(connection, trigger="annotations")
    with database.write() as connection:
        trainings.fail(connection, training_id, error="no")
        assert not trainings.is_pending(connection, trigger="schedule")


def test_a_revoked_training_is_closed_and_frees_the_lock(database: Database) -> None:
    """Both the one that waits and the one that runs; one that is closed stays what it was."""
    waiting, running, done = ask(database), ask(database), ask(database)
    begin(database, done)
    with database.write() as connection:
        trainings.finish(connection, done, verdict="passed")
    begin(database, running)
    with database.write() as connection:
        assert not trainings.revoke_held(connection, "host:2")
        assert trainings.revoke_held(connection, "host:1")
        assert [trainings.revoke(connection, one) for one in (waiting, running, done)] == [
            True,
            False,
            False,
        ]
        assert trainings.unheard(connection, seconds=-1) == []
    states = [look(database, one).state for one in (waiting, running, done)]
    assert states == [TrainingState.REVOKED, TrainingState.REVOKED, TrainingState.DONE]
    assert begin(database, ask(database))


def test_a_revoked_training_is_not_begun_again_by_the_clock(database: Database) -> None:
    """What was said before it counts as learned from, as somebody wanted no training of it."""
    waiting = ask(database)
    with database.write() as connection:
        trainings.revoke(connection, waiting)
        assert trainings.learned_until(connection) == look(database, waiting).created_at
