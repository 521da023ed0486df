"""The gauge: counts where that is cheap, and never takes a run for done that is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from producer import gauge
from producer.gauge import Gauge
from tests.ledger import content

if TYPE_CHECKING:
    from db.records import Progress, RunRecord
    from tests.ledger import Ledger


@pytest.fixture
def run(sqlite_ledger: Ledger) -> RunRecord:
    """A run of four files."""
    run = sqlite_ledger.run()
    sqlite_ledger.register(run, b"1", b"2", b"3", b"4")
    return run


def read(ledger: Ledger, gauge: Gauge, run: RunRecord) -> Progress:
    """What the gauge shows."""
    with ledger.database.read() as connection:
        return gauge.read(connection, run)


def do(ledger: Ledger, run: RunRecord, size: int) -> None:
    """Let a worker do so many files."""
    claim = ledger.claim(ledger.cut(run, size))
    assert claim is not None
    ledger.finish(claim, *(content(image.path) for image in ledger.todo(claim.job_id)))


def test_few_images_are_counted_every_time(sqlite_ledger: Ledger, run: RunRecord) -> None:
    """Progress of a small run is that of the moment."""
    found = Gauge()
    assert read(sqlite_ledger, found, run).done == 0
    do(sqlite_ledger, run, 1)
    assert read(sqlite_ledger, found, run).done == 1


def test_many_images_are_counted_now_and_then(
    sqlite_ledger: Ledger, run: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two counts the last one is shown, with what is listed and open right now."""
    monkeypatch.setattr(gauge, "_FEW", 0)
    monkeypatch.setattr(gauge, "_SHARE", 1e-9)
    found = Gauge()
    read(sqlite_ledger, found, run)
    do(sqlite_ledger, run, 1)
    sqlite_ledger.cut(run, 1)
    sqlite_ledger.register(run, b"5")
    shown = read(sqlite_ledger, found, run)
    assert (shown.done, shown.listed, shown.jobs_open) == (0, 5, 1)


def test_files_listed_after_all_were_done_are_not_missed(
    sqlite_ledger: Ledger, run: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What seemed to be all is counted again, so that a run never ends before its last file."""
    monkeypatch.setattr(gauge, "_SHARE", 1e-9)
    found = Gauge()
    do(sqlite_ledger, run, 4)
    assert read(sqlite_ledger, found, run).done == 4
    sqlite_ledger.register(run, b"5")
    shown = read(sqlite_ledger, found, run)
    assert (shown.done, shown.listed) == (4, 5)
