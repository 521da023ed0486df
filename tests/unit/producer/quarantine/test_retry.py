"""Shares of archives in what is tried again: complete, at rest, and there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from db.errors import ArchiveGoneError, UsageError
from db.records import Outcome
from db.store import runs
from producer.quarantine.retry import shares
from producer.quarantine.selection import Wanted, find
from tests.refusals import poison, store

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ledger import Ledger

ALL = Wanted(Outcome.QUARANTINED)


@pytest.fixture
def roots(tmp_path: Path) -> tuple[bytes, bytes]:
    """Two archives that are there."""
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    return os.fsencode(tmp_path / "a"), os.fsencode(tmp_path / "b")


def fill(ledger: Ledger, roots: tuple[bytes, bytes]) -> None:
    """Bytes that both archives show, and some that only the first one does."""
    first = ledger.run(roots[0], detect_only=True)
    store(ledger, ledger.take(first, b"1", b"2"), poison(b"x"), poison(b"y"))
    store(ledger, ledger.take(ledger.run(roots[1]), b"3"), poison(b"x"))


def test_images_are_shared_out_by_archive(ledger: Ledger, roots: tuple[bytes, bytes]) -> None:
    """Each archive goes on as its last run did; bytes that were judged are left out."""
    fill(ledger, roots)
    first, second = shares(ledger.database, find(ledger.database, ALL))
    assert (first.root, second.root) == roots
    assert (first.detect_only, second.detect_only) == (True, False)
    assert [image.path for image in first.images] == [b"1", b"2"]
    assert second.contents < first.contents
    assert second.without(first.contents).images == ()
    assert [image.path for image in first.without(second.contents).images] == [b"2"]


def test_an_archive_that_is_gone_is_refused(ledger: Ledger, roots: tuple[bytes, bytes]) -> None:
    """Nothing is tried again, and the line names the archive and the way around it."""
    fill(ledger, roots)
    os.unlink(os.path.join(roots[1], b"file"))  # noqa: PTH108  # byte-exact
    with pytest.raises(ArchiveGoneError, match=r"/b is gone: .*choose another with --archive"):
        shares(ledger.database, find(ledger.database, ALL))


def test_an_archive_at_work_is_refused(ledger: Ledger, roots: tuple[bytes, bytes]) -> None:
    """What a run has in hand is not taken away from it; a stopped run is in nobody's way."""
    fill(ledger, roots)
    run = ledger.run(roots[1])
    with pytest.raises(UsageError, match=f"run {run.id} is at work in this archive"):
        shares(ledger.database, find(ledger.database, ALL))
    with ledger.database.write() as connection:
        runs.stop(connection, run.id, reason="interrupted")
    assert len(shares(ledger.database, find(ledger.database, ALL))) == 2
