"""Inserting what may be there already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from db.store.upsert import chunks, insert_missing
from db.tables import Archive

if TYPE_CHECKING:
    from tests.ledger import Ledger


def test_rows_that_are_there_stay_as_they_are(ledger: Ledger) -> None:
    """Only rows whose key is missing are inserted."""
    with ledger.database.write() as connection:
        for display, roots in (("old", [b"a"]), ("new", [b"b", b"a"])):
            rows = [{"root": root, "display": display} for root in roots]
            insert_missing(connection, Archive, rows, key=("root",))
    found = ledger.rows("SELECT root, display FROM archives ORDER BY root")
    assert [(bytes(root), display) for root, display in found] == [(b"a", "old"), (b"b", "new")]


def test_the_same_key_twice_is_no_error(ledger: Ledger) -> None:
    """Rows of one call that share a key are one row."""
    with ledger.database.write() as connection:
        rows = [{"root": b"a", "display": name} for name in "xy"]
        insert_missing(connection, Archive, rows, key=("root",))
    assert ledger.value("SELECT count(*) FROM archives") == 1


def test_no_rows_are_no_error(ledger: Ledger) -> None:
    """Nothing to insert is nothing to do."""
    with ledger.database.write() as connection:
        insert_missing(connection, Archive, [], key=("root",))


@given(st.lists(st.integers()), st.integers(1, 10))
def test_chunks_lose_nothing(items: list[int], size: int) -> None:
    """Chunks are never longer than asked for, and together they are the items in order."""
    found = list(chunks(items, size))
    assert [item for chunk in found for item in chunk] == items
    assert all(0 < len(chunk) <= size for chunk in found)
