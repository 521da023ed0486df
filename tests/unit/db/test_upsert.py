"""Inserting what may be there already, and many rows at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from db.store.upsert import chunks, insert_missing, update_rows
from db.tables import Archive, Image

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


def test_more_rows_than_one_statement_takes_are_all_inserted(ledger: Ledger) -> None:
    """However many rows there are, none is left out."""
    rows = [{"root": b"%d" % number, "display": str(number)} for number in range(2500)]
    with ledger.database.write() as connection:
        insert_missing(connection, Archive, rows, key=("root",))
        insert_missing(connection, Archive, [*rows, {"root": b"x", "display": "x"}], key=("root",))
    assert ledger.value("SELECT count(*) FROM archives") == 2501


def test_each_row_gets_values_of_its_own(ledger: Ledger) -> None:
    """Rows are updated by their ids: to what is theirs, also to nothing, and to what all get."""
    run = ledger.run()
    ledger.register(run, b"a", b"b", b"c")
    ids = [number for (number,) in ledger.rows("SELECT id FROM images ORDER BY path")]
    rows = [
        {"key": ids[0], "outcome": "unreadable", "detail": 'it\'s "empty", {1}'},
        {"key": ids[1], "outcome": "no_face", "detail": None},
        {"key": ids[2], "outcome": "faces", "detail": None},
    ]
    with ledger.database.write() as connection:
        update_rows(connection, Image, rows, Image.path != b"c", due=False)
        update_rows(connection, Image, [])
    found = ledger.rows("SELECT outcome, detail, due FROM images ORDER BY path")
    assert [tuple(row) for row in found] == [
        ("unreadable", 'it\'s "empty", {1}', False),
        ("no_face", None, False),
        (None, None, True),
    ]


@given(st.lists(st.integers()), st.integers(1, 10))
def test_chunks_lose_nothing(items: list[int], size: int) -> None:
    """Chunks are never longer than asked for, and together they are the items in order."""
    found = list(chunks(items, size))
    assert [item for chunk in found for item in chunk] == items
    assert all(0 < len(chunk) <= size for chunk in found)
