"""Images without a face: how many by reason, and some of them to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db.records import ImageResult, Outcome
from db.store import extent, faceless
from tests.ledger import content, job_result, unreadable

if TYPE_CHECKING:
    import pytest

    from db.records import RunRecord
    from tests.ledger import Ledger


def fill(ledger: Ledger) -> RunRecord:
    """A run with two images that could not be read, and one without a face."""
    run = ledger.run()
    claim = ledger.take(run, b"c", b"b", b"a")
    first, second, third = ledger.todo(claim.job_id)
    none = content(b"1")
    states = [
        unreadable(first, "vanished"),
        unreadable(second, "permission_denied"),
        ImageResult(third.id, none.content.sha256),
    ]
    ledger.commit(claim, job_result([none], states))
    return run


def test_images_come_with_what_is_kept_of_them(ledger: Ledger) -> None:
    """Images of an outcome come in the order in which they were found, with reason and preview."""
    run = fill(ledger)
    with ledger.database.read() as connection:
        found = {
            outcome: faceless.images(
                connection, [one for one, _ in faceless.briefs(connection, run, outcome)]
            )
            for outcome in (Outcome.UNREADABLE, Outcome.NO_FACE, Outcome.QUARANTINED)
        }
    unread, none, quarantined = found.values()
    assert [(image.path, image.reason) for image in unread] == [
        (b"c", "vanished"),
        (b"b", "permission_denied"),
    ]
    assert [(image.path, image.preview) for image in none] == [(b"a", b"preview")]
    assert quarantined == []


def test_reasons_are_counted_in_order(ledger: Ledger) -> None:
    """Reasons are sorted by name on every database; images without one come last."""
    run = fill(ledger)
    ledger.execute("UPDATE images SET reason = NULL WHERE reason = 'permission_denied'")
    with ledger.database.read() as connection:
        found = extent.of(connection, run).reasons(Outcome.UNREADABLE)
    assert list(found.items()) == [("vanished", 1), (None, 1)]


def test_any_number_of_images_is_read_in_spans(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No image is lost between two spans, or given twice."""
    run = fill(ledger)
    monkeypatch.setattr(extent, "_SPAN", 1)
    with ledger.database.read() as connection:
        found = list(faceless.briefs(connection, run, Outcome.UNREADABLE))
    assert [reason for _, reason in found] == ["vanished", "permission_denied"]
