"""A worker whose database goes away: what it holds, what it owes, and what it leaves alone."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from billiard.exceptions import SoftTimeLimitExceeded

from tests.ledger import Ledger
from tests.outage import Outage, Twice, outage_of
from worker import labelling
from worker.context import Context
from worker.labelling import run_job
from worker.settings import WorkerSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from db.engine import Database
    from worker.sandbox.pool import DecoderPool


class Served:
    """Stands for the live model: something happens whenever a job asks for it."""

    def __init__(self) -> None:
        self.then: Any = lambda: None

    def current(self) -> None:
        """No model, after what happens."""
        self.then()


class Desk:
    """A worker with a job of one unreadable file, in a database that can be taken away."""

    def __init__(self, context: Context, archive: Path, outage: Outage) -> None:
        self.context = context
        self.outage = outage
        self.ledger = Ledger(context.database)
        self.served = Served()
        context.live = self.served  # type: ignore[assignment]  # no model is needed here
        (archive / "broken").write_bytes(b"no image")
        self.run = self.ledger.run(bytes(archive), chain=context.chain.id)
        self.ledger.register(self.run, b"broken", size=8)
        self.job = self.ledger.cut(self.run)

    def row(self) -> tuple[Any, ...]:
        """State and attempts of the job."""
        return self.ledger.rows("SELECT state, attempts FROM jobs WHERE id = :job", job=self.job)[0]


@pytest.fixture
def desk(
    postgresql: Database, tmp_path: Path, pool: DecoderPool, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    """A desk whose jobs have limits of a few seconds."""
    monkeypatch.setattr(labelling, "_BREAK", 0.1)
    settings = WorkerSettings(decoders=pool.decoders)
    context = Context(postgresql, home=tmp_path / "home", settings=settings, job_limit=5)
    context._pool = pool
    (tmp_path / "archive").mkdir()
    with outage_of(postgresql) as outage:
        yield Desk(context, tmp_path / "archive", outage)


def test_an_outage_within_the_limit_costs_time_alone(desk: Desk) -> None:
    """Results are held until the database is back, and committed by the same claim."""
    back = threading.Timer(1.0, desk.outage.end)

    def lose() -> None:
        desk.outage.begin()
        back.start()

    desk.served.then = lose
    assert run_job(desk.context, desk.job).state == "done"
    back.join()
    assert desk.row() == ("done", 1)


def test_an_outage_that_outlasts_the_limit_is_owed(desk: Desk) -> None:
    """The job is left, and gets its attempt back before the worker claims anything again."""
    desk.served.then = desk.outage.begin
    assert run_job(desk.context, desk.job).state == "refused"
    assert run_job(desk.context, desk.job).state == "unavailable"
    desk.outage.end()
    assert desk.row() == ("leased", 1)
    desk.served.then = lambda: None
    assert run_job(desk.context, desk.job).state == "done"
    assert desk.row() == ("done", 1)


def test_a_limit_that_was_spent_on_waiting_is_not_the_jobs_fault(desk: Desk) -> None:
    """Whatever ends a job during which the database was away, its attempt does not count."""
    back = threading.Timer(0.5, desk.outage.end)

    def lose() -> None:
        desk.outage.begin()
        back.start()

    def run_out_of_time(model: Any) -> DecoderPool:
        raise SoftTimeLimitExceeded(model)

    desk.served.then = lose
    desk.context.pool = run_out_of_time  # type: ignore[method-assign]  # stands for slow images
    with pytest.raises(SoftTimeLimitExceeded):
        run_job(desk.context, desk.job)
    back.join()
    assert desk.row() == ("queued", 0)


def test_outages_alone_never_give_an_image_up(desk: Desk) -> None:
    """However often a job is lost to an outage, its image is neither split off nor quarantined."""
    desk.context.job_limit = 1.0
    for _ in range(4):
        desk.served.then = desk.outage.begin
        assert run_job(desk.context, desk.job).state == "refused"
        desk.outage.end()
        desk.ledger.lose(desk.job)
        assert desk.ledger.recover() == [desk.job]
    desk.context.job_limit = 60.0
    desk.served.then = lambda: None
    assert run_job(desk.context, desk.job).state == "done"
    assert desk.row() == ("done", 1)
    assert desk.ledger.value("SELECT outcome FROM images") == "unreadable"


def test_a_connection_that_is_cut_in_between_is_not_noticed(desk: Desk) -> None:
    """A server that is started again during a job costs a try, and not the job."""
    desk.served.then = desk.outage.cut
    assert run_job(desk.context, desk.job).state == "done"
    assert desk.row() == ("done", 1)


def test_a_claim_whose_answer_was_lost_is_not_made_twice(desk: Desk) -> None:
    """A commit that was done, but not answered, is recognized by the try that follows."""
    twice = Twice(desk.context.database.url.render_as_string(hide_password=False))
    claim = labelling._claim(desk.context, twice, desk.job)
    twice.close()
    assert claim is not None
    assert claim.generation == 1
    assert desk.row() == ("leased", 1)
