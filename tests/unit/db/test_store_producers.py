"""Producers: known alive by their beat, or dead by their process."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from db.process import this_process
from db.records import RunState
from db.store import producers, runs

if TYPE_CHECKING:
    from db.store.producers import Producer
    from tests.ledger import Ledger


def live_on(ledger: Ledger, root: bytes) -> Producer | None:
    """Who is at work in an archive."""
    with ledger.database.read() as connection:
        return producers.live_on(connection, root)


def hold_by(ledger: Ledger, holder: str) -> None:
    """Let the runs be those of another process."""
    ledger.execute("UPDATE runs SET holder = :holder", holder=holder)


def dead_process() -> str:
    """The name of a process of this host that is gone."""
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    return this_process().replace(f":{os.getpid()}", f":{gone.pid}")


def test_a_producer_is_live_while_it_beats(ledger: Ledger) -> None:
    """A run without a sign of its producer, or one that is stopped, may be taken over."""
    run = ledger.run(b"/a")
    found = live_on(ledger, b"/a")
    assert found is not None
    assert (found.run_id, found.holder, found.patience) == (run.id, this_process(), 30)
    assert live_on(ledger, b"/b") is None
    ledger.execute("UPDATE runs SET heartbeat_at = heartbeat_at - 31")
    assert live_on(ledger, b"/a") is None
    with ledger.database.write() as connection:
        assert producers.beat(connection, run.id)
        assert producers.live_on(connection, b"/a") is not None
        runs.stop(connection, run.id, reason="x")
        assert producers.live_on(connection, b"/a") is None


def test_a_producer_that_died_on_this_host_is_not_waited_for(ledger: Ledger) -> None:
    """A process that is known to be gone holds its run no longer, whenever it was heard last."""
    ledger.run(b"/a")
    hold_by(ledger, dead_process())
    assert live_on(ledger, b"/a") is None


@pytest.mark.parametrize("holder", ["elsewhere:1", ""])
def test_of_other_hosts_only_silence_is_known(ledger: Ledger, holder: str) -> None:
    """A producer elsewhere, or of an older kaolabel, is alive until its time is over."""
    ledger.run(b"/a")
    hold_by(ledger, holder)
    ledger.execute("UPDATE runs SET heartbeat_at = heartbeat_at - 20")
    found = live_on(ledger, b"/a")
    assert found is not None
    assert (found.holder, found.patience) == (holder, 10)


def test_a_clock_that_is_set_back_keeps_no_producer_alive(ledger: Ledger) -> None:
    """A beat that seems to lie an hour ahead says nothing any more."""
    ledger.run(b"/a")
    hold_by(ledger, "elsewhere:1")
    ledger.execute("UPDATE runs SET heartbeat_at = heartbeat_at + 3600")
    assert live_on(ledger, b"/a") is None


def test_a_producer_learns_that_its_run_was_taken_over(ledger: Ledger) -> None:
    """The beat of a process that does not hold the run any more fails, and it stops nothing."""
    run = ledger.run(b"/a")
    hold_by(ledger, "elsewhere:1")
    with ledger.database.write() as connection:
        assert not producers.beat(connection, run.id)
        producers.abandon(connection, run.id, reason="interrupted")
        assert runs.get(connection, run.id).state == RunState.ACTIVE
        runs.activate(connection, run.id)
        producers.abandon(connection, run.id, reason="interrupted")
        assert runs.get(connection, run.id).reason == "interrupted"
