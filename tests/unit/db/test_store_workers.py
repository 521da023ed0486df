"""Workers in the ledger: announced, heard of, described, forgotten."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from db.process import this_process
from db.store import workers

if TYPE_CHECKING:
    from tests.ledger import Ledger

NAME = "far:1"


def announce(ledger: Ledger, name: str = NAME, kind: str = workers.WORKER) -> None:
    """Have a worker announce itself."""
    with ledger.database.write() as connection:
        workers.announce(connection, name, kind=kind, version="1.2", decoders=4)


def every(ledger: Ledger) -> list[workers.WorkerRecord]:
    """All workers that are known."""
    with ledger.database.read() as connection:
        return workers.every(connection)


def test_a_worker_is_known_from_its_start_to_its_end(ledger: Ledger) -> None:
    """A worker is listed with what is known of it, and gone when it has left."""
    announce(ledger)
    (one,) = every(ledger)
    assert (one.name, one.kind, one.version, one.decoders) == (NAME, "worker", "1.2", 4)
    assert (one.device, one.model_version_id, one.draining) == (None, None, False)
    with ledger.database.write() as connection:
        workers.describe(connection, NAME, device="cpu", model_version_id=3)
        workers.describe(connection, NAME, draining=True)
    (one,) = every(ledger)
    assert (one.device, one.model_version_id, one.draining) == ("cpu", 3, True)
    with ledger.database.write() as connection:
        workers.leave(connection, NAME)
    assert every(ledger) == []


def test_a_silent_worker_is_missing_until_it_is_heard_of(ledger: Ledger) -> None:
    """Silence is counted by the database's clock, and a sign of life ends it."""
    announce(ledger)
    ledger.execute("UPDATE workers SET seen_at = seen_at - 40")
    (one,) = every(ledger)
    assert one.is_missing
    with ledger.database.write() as connection:
        assert workers.renew(connection, NAME)
        assert not workers.renew(connection, "nobody:1")
    (one,) = every(ledger)
    assert not one.is_missing


def test_workers_that_are_long_gone_are_forgotten(ledger: Ledger) -> None:
    """A day of silence, or a death on this host, takes a row away with the next announcement."""
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    host = this_process().rpartition(":")[0]
    announce(ledger, "old:1")
    announce(ledger, f"{host}:{ended.pid}")
    announce(ledger, f"{host}:{os.getpid()}", kind=workers.TRAINER)
    ledger.execute("UPDATE workers SET seen_at = seen_at - 100000 WHERE name = 'old:1'")
    announce(ledger)
    assert [(one.kind, one.name) for one in every(ledger)] == [
        ("trainer", this_process()),
        ("worker", NAME),
    ]


def test_a_worker_that_starts_again_begins_anew(ledger: Ledger) -> None:
    """A second announcement under the same name replaces the first one."""
    announce(ledger)
    with ledger.database.write() as connection:
        workers.describe(connection, NAME, draining=True)
    announce(ledger)
    assert [one.draining for one in every(ledger)] == [False]
