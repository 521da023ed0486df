"""Jobs that only newer workers can do: told by their row, whoever sends the message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db.store import cutting, queue
from db.version import JOB_VERSION

if TYPE_CHECKING:
    from tests.ledger import Ledger


def make_newer(ledger: Ledger) -> int:
    """A job of two images, as a newer kaolabel would have made it."""
    run = ledger.run()
    ledger.register(run, b"a", b"b")
    job = ledger.cut(run)
    ledger.execute("UPDATE jobs SET needs = needs + 1")
    return job


def needs(ledger: Ledger, *ids: int) -> list[int]:
    """What the jobs say of their needs."""
    with ledger.database.read() as connection:
        return [story.needs for story in queue.stories(connection, ids)]


def test_a_job_needs_what_its_maker_knows(ledger: Ledger) -> None:
    """Who cuts a job can do it, and so can everybody who knows as much."""
    run = ledger.run()
    ledger.register(run, b"a")
    job = ledger.cut(run)
    assert needs(ledger, job) == [JOB_VERSION]
    assert ledger.claim(job) is not None


def test_a_job_for_newer_workers_is_not_claimed(ledger: Ledger) -> None:
    """An older worker leaves it as it is, even if an older reconciler sent for it."""
    job = make_newer(ledger)
    assert ledger.claim(job) is None
    assert ledger.rows("SELECT state, attempts, generation FROM jobs") == [("queued", 0, 0)]


def test_the_halves_of_a_job_need_as_much(ledger: Ledger) -> None:
    """A reconciler that knows less may split a job, and nobody takes the halves for simpler."""
    job = make_newer(ledger)
    with ledger.database.write() as connection:
        halves = cutting.split(connection, job)
    assert needs(ledger, *halves) == [JOB_VERSION + 1] * 2
