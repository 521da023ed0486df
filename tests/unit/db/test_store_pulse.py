"""How the work goes on, as `kaolabel status` asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from db.process import this_process
from db.records import Outcome
from db.store import pulse, runs
from tests.ledger import content, job_result, unreadable

if TYPE_CHECKING:
    from db.records import RunRecord
    from tests.ledger import Ledger


def depth(ledger: Ledger) -> tuple[int, int, bool]:
    """Jobs queued and leased, and whether there is an oldest one."""
    with ledger.database.read() as connection:
        found = pulse.depth(connection)
    return found.queued, found.leased, found.oldest is not None


def pace(ledger: Ledger, run: RunRecord) -> float:
    """How quickly the run gets on."""
    with ledger.database.read() as connection:
        return pulse.pace(connection, run.id)


def test_open_jobs_of_active_runs_are_the_depth(ledger: Ledger) -> None:
    """Waiting ones, and those that workers have; none of a run that is stopped, or that is done."""
    assert depth(ledger) == (0, 0, False)
    run = ledger.run()
    claim = ledger.take(run, b"a")
    ledger.register(run, b"b")
    ledger.cut(run)
    assert depth(ledger) == (1, 1, True)
    ledger.finish(claim, content(b"1"))
    assert depth(ledger) == (1, 0, True)
    with ledger.database.write() as connection:
        runs.stop(connection, run.id, reason="a test")
    assert depth(ledger) == (0, 0, False)


def test_the_oldest_job_has_waited_longest(ledger: Ledger) -> None:
    """The age is that of the job that was cut first, whether a worker has it or not."""
    run = ledger.run()
    ledger.take(run, b"a")
    ledger.register(run, b"b")
    ledger.cut(run)
    ledger.execute("UPDATE jobs SET created_at = created_at - 1000 WHERE state = 'leased'")
    with ledger.database.read() as connection:
        oldest = pulse.depth(connection).oldest
    assert oldest is not None
    assert oldest >= 1000


def test_the_pace_is_that_of_the_last_minute(ledger: Ledger) -> None:
    """Images of jobs done lately, over the time that those took; older jobs do not count."""
    run = ledger.run()
    assert pace(ledger, run) == 0.0
    for number, since in ((0, 600), (1, 20)):
        names = [b"%d-%d" % (number, file) for file in range(10)]
        claim = ledger.take(run, *names)
        ledger.finish(claim, *(content(name) for name in names))
        ledger.execute(
            "UPDATE jobs SET finished_at = finished_at - :since,"
            " claimed_at = finished_at - :since - 5 WHERE id = :job",
            job=claim.job_id,
            since=since,
        )
    assert pace(ledger, run) == pytest.approx(10 / 5)


def test_an_active_run_has_a_driver_or_is_left_alone(ledger: Ledger) -> None:
    """The process that began it; none once that was not heard of for a while, or is dead."""
    run = ledger.run()

    def driver() -> str | None:
        with ledger.database.read() as connection:
            return pulse.driver(connection, run.id)

    assert driver() == this_process()
    ledger.execute("UPDATE runs SET heartbeat_at = heartbeat_at - 60")
    assert driver() is None


def test_refused_images_are_counted_by_reason(ledger: Ledger) -> None:
    """The most frequent reason comes first; files that are gone by now are left out."""
    first = ledger.run()
    claim = ledger.take(first, b"a", b"b", b"c", b"gone", b"fine")
    *broken, fine = ledger.todo(claim.job_id)
    reasons = ("truncated", "empty", "truncated", "truncated")
    refused = [unreadable(image, why) for image, why in zip(broken, reasons, strict=True)]
    ledger.commit(claim, job_result(images=refused))
    ledger.execute(
        "UPDATE images SET outcome = 'quarantined', reason = NULL WHERE path = :p", p=b"a"
    )
    with ledger.database.write() as connection:
        runs.finish(connection, first.id)
    assert fine.path == b"fine"
    expected = {
        Outcome.UNREADABLE: {"truncated": 2, "empty": 1},
        Outcome.QUARANTINED: {"no_reason": 1},
    }
    assert refusals(ledger) == expected
    second = ledger.run()
    ledger.register(second, b"a", b"b", b"c")
    assert refusals(ledger) == expected
    with ledger.database.write() as connection:
        runs.finish(connection, second.id)
    assert refusals(ledger)[Outcome.UNREADABLE] == {"empty": 1, "truncated": 1}


def refusals(ledger: Ledger) -> dict[Outcome, dict[str, int]]:
    """Refused images by outcome and reason."""
    with ledger.database.read() as connection:
        found = pulse.refused(connection)
    assert all(list(some.values()) == sorted(some.values())[::-1] for some in found.values())
    return found
