"""Which refused images a person speaks of: by archive, by run, by reason."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from db.errors import UsageError
from db.records import Outcome
from producer.quarantine.selection import Wanted, archive_of, find
from tests.refusals import poison, store

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ledger import Ledger


def test_an_archive_is_named_by_folder_or_run(ledger: Ledger, tmp_path: Path) -> None:
    """Any path to the folder will do, also of one that is gone; links are followed."""
    (tmp_path / "link").symlink_to("gone")
    first = ledger.run(os.fsencode(tmp_path / "gone"))
    second = ledger.run(b"/other")
    named = archive_of(ledger.database, run=None, folder=str(tmp_path / "link"))
    assert named == first.archive_id
    assert archive_of(ledger.database, run=second.id, folder=None) == second.archive_id
    assert archive_of(ledger.database, run=None, folder=None) is None


def test_an_archive_that_nobody_knows_is_refused(ledger: Ledger) -> None:
    """So are a run that there never was, and two names at a time."""
    with pytest.raises(UsageError, match=r"has never been labelled; give it to `kaolabel label`"):
        archive_of(ledger.database, run=None, folder="/nowhere")
    with pytest.raises(UsageError, match="there is no run 7"):
        archive_of(ledger.database, run=7, folder=None)
    with pytest.raises(UsageError, match="not both"):
        archive_of(ledger.database, run=7, folder="/nowhere")


def test_a_reason_that_no_image_has_is_refused(ledger: Ledger) -> None:
    """The line lists the reasons there are, on one line whatever a decoder made them."""
    claim = ledger.take(ledger.run(), b"1", b"2")
    store(ledger, claim, poison(b"1"), poison(b"2", "odd\nreason"))
    found = find(ledger.database, Wanted(Outcome.QUARANTINED, ("decoder_crashed",)))
    assert [image.path for image in found] == [b"1"]
    with pytest.raises(UsageError, match=r"'bored'; the reasons there are: decoder_crashed, odd\\"):
        find(ledger.database, Wanted(Outcome.QUARANTINED, ("decoder_crashed", "bored")))
    with pytest.raises(UsageError, match="the reasons there are: none"):
        find(ledger.database, Wanted(Outcome.UNREADABLE, ("damaged",)))
