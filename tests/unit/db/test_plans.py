"""How the databases go about the queries that must not slow down as a ledger grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from db.store import cutting, lost, metering, pulse, queue, runs

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from tests.ledger import Ledger

# What is asked several times a second, and the only index that is looked into.
_QUERIES: dict[str, tuple[Callable[[Connection, int], object], str]] = {
    "the images that are due": (runs.progress, "ix_images_due"),
    "the next job": (lambda c, run: cutting.cut_images(c, run, size=5), "ix_images_due"),
    "the rate": (queue.rate, "ix_jobs_state_run_id_finished_at"),
    "the workers": (queue.workers, "ix_jobs_state_run_id_finished_at"),
    "the leases": (lambda c, _run: lost.leases(c), "ix_jobs_state_run_id_finished_at"),
    "the done jobs": (metering.done_jobs, "ix_jobs_state_run_id_finished_at"),
    "the open jobs": (lambda c, _run: metering.open_jobs(c), "ix_jobs_state_run_id_finished_at"),
    "the images that wait": (lambda c, _run: metering.extents(c), "ix_images_due"),
    "the pace": (pulse.pace, "ix_jobs_state_run_id_finished_at"),
    "the depth": (lambda c, _run: pulse.depth(c), "ix_jobs_state_run_id_finished_at"),
    "the refused images by reason": (lambda c, _run: pulse.refused(c), "ix_images_refused"),
    "the refused images": (lambda c, _run: metering.refused(c), "ix_images_refused"),
}


@pytest.mark.parametrize("name", _QUERIES)
def test_no_query_of_every_moment_looks_at_all_rows(sqlite_ledger: Ledger, name: str) -> None:
    """Images and jobs are found by the index that holds just those, none by going through all."""
    run = sqlite_ledger.run()
    ask, index = _QUERIES[name]
    plans = explained(sqlite_ledger, lambda connection: ask(connection, run.id))
    looked = [step for step in plans if "images" in step or "jobs" in step]
    assert any(index in step for step in looked)
    assert not [step for step in looked if step.startswith("SCAN")]


def explained(ledger: Ledger, work: Callable[[Connection], object]) -> list[str]:
    """The steps by which SQLite goes about the queries of some work."""
    steps: list[str] = []

    def explain(
        connection: Connection, _cursor: object, statement: str, values: Any, *_others: object
    ) -> None:
        if statement.startswith("SELECT"):
            driver: Any = connection.connection.driver_connection
            steps.extend(
                row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}", values)
            )

    engine = ledger.database.engine
    event.listen(engine, "before_cursor_execute", explain)
    try:
        with ledger.database.write() as connection:
            work(connection)
    finally:
        event.remove(engine, "before_cursor_execute", explain)
    return steps
