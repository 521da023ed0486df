"""Looking at the ledger when somebody asks: one look at a time, and nobody waits for long."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from sqlalchemy import text

from monitor.metrics.families import Ledger as Metrics
from monitor.metrics.reading import Reader
from monitor.metrics.watch import Watch
from tests.command import wait_for

if TYPE_CHECKING:
    import pytest

    from monitor.metrics.reading import Reading
    from tests.ledger import Ledger

# Seconds in which a ledger that is there has long been read.
PATIENCE = 60.0

# The queries that wait for a lock.
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = :name"


def test_looks_do_not_pile_up(sqlite_ledger: Ledger) -> None:
    """However many ask while a look is under way, they share it, and the one after it at most."""
    reader, looks, go_on = Reader(sqlite_ledger.database), [], threading.Event()

    def look() -> Reading:
        looks.append(1)
        assert go_on.wait(PATIENCE)
        return reader.read()

    watch = Watch(look)
    watch.start()
    with ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(watch.newest, patience=PATIENCE) for _ in range(16)]
        wait_for(lambda: looks, what="a look")
        go_on.set()
        views = [one.result() for one in asked]
    assert all(view.is_fresh for view in views)
    assert len(looks) <= 2


def test_a_database_that_hangs_holds_up_one_query(postgresql_ledger: Ledger) -> None:
    """Who asks meanwhile hears of the last look in time; then all is as before."""
    database = postgresql_ledger.database
    watch = Watch(Reader(database).read)
    watch.start()
    before = watch.newest(patience=PATIENCE)
    assert before.is_fresh
    with database.write() as connection:
        connection.execute(text("LOCK TABLE jobs, runs IN ACCESS EXCLUSIVE MODE"))
        for _ in range(3):
            view = watch.newest(patience=0.2)
            assert (view.reading, view.is_fresh) == (before.reading, False)
            values = {"name": database.url.database}
            assert connection.execute(text(WAITING), values).scalar_one() == 1
    after = wait_for(lambda: watch.newest(patience=1.0), what="a look")
    assert after.reading is not None


def test_an_outage_is_told_once_and_so_is_its_end(
    sqlite_ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    """A database that cannot be read gives no fresh look, counters stay, and gauges go."""
    caplog.set_level(logging.INFO)
    watch = Watch(Reader(sqlite_ledger.database).read)
    watch.start()
    whole = names(watch)
    sqlite_ledger.execute("ALTER TABLE trainings RENAME TO elsewhere")
    for _ in range(3):
        assert not watch.newest(patience=PATIENCE).is_fresh
    left = names(watch)
    assert {"kaolabel_up", "kaolabel_images", "kaolabel_stage_seconds"} <= left < whole
    assert "kaolabel_jobs_open" in whole - left
    sqlite_ledger.execute("ALTER TABLE elsewhere RENAME TO trainings")
    assert watch.newest(patience=PATIENCE).is_fresh
    assert names(watch) == whole
    assert [record.getMessage() for record in caplog.records] == [
        "the database cannot be read: no such table: trainings",
        "the database answers again",
    ]


def names(watch: Watch) -> set[str]:
    """The families that a scraper gets."""
    return {family.name for family in Metrics(lambda: watch.newest(patience=PATIENCE)).collect()}
