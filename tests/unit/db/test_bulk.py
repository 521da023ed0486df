"""Many rows at once behave as single rows do: keys hold, and errors are SQLAlchemy's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import DBAPIError

from db.store import bulk
from db.tables import PredictionRow
from tests.ledger import face, prediction

if TYPE_CHECKING:
    from tests.ledger import Ledger

QUERY = "SELECT face_id, version_id FROM predictions WHERE face_id > ? ORDER BY face_id"


def test_rows_survive_the_way_there_and_back(ledger: Ledger) -> None:
    """Quotes, tabs, backslashes and other scripts arrive as they were; taken keys stay."""
    version = ledger.publish_model()
    faces = ledger.faces(face(prediction()), face(None), face(None), version=version)
    label = 'tab\t "quote" back\\slash \\N 日本'
    rows = [(number, version, label, 0.25, True, f'[["{number}", 0.25]]') for number in faces]
    with ledger.database.write() as connection:
        bulk.insert_rows(connection, PredictionRow, rows)
        bulk.insert_rows(connection, PredictionRow, [])
    found = ledger.rows("SELECT * FROM predictions ORDER BY face_id")
    assert found[0][2] == "Aqua"
    assert found[1:] == rows[1:]
    with ledger.database.read() as connection:
        read = bulk.read_rows(connection, QUERY, faces[0])
    assert read == [(number, version) for number in faces[1:]]


def test_rows_are_written_with_their_transaction(ledger: Ledger) -> None:
    """A transaction that fails later takes its rows with it, and the next one works."""
    version = ledger.publish_model()
    faces = ledger.faces(face(None), face(None))
    rows = [(number, version, "Aqua", 0.25, False, "[]") for number in faces]
    broken = [*rows, (0, 0, None, 0.0, False, "[]")]
    with pytest.raises(DBAPIError), ledger.database.write() as connection:
        bulk.insert_rows(connection, PredictionRow, broken)
    assert ledger.rows("SELECT * FROM predictions") == []
    for row in rows:
        with ledger.database.write() as connection:
            bulk.insert_rows(connection, PredictionRow, [row])
    assert len(ledger.rows("SELECT * FROM predictions")) == 2


def test_errors_of_the_driver_are_told_as_ever(ledger: Ledger) -> None:
    """What a driver refuses is raised as SQLAlchemy's error, which the worker knows to judge."""
    with ledger.database.read() as connection, pytest.raises(DBAPIError):
        bulk.read_rows(connection, "SELECT face_id FROM nowhere WHERE face_id = ?", 1)
    with ledger.database.write() as connection, pytest.raises(DBAPIError):
        bulk.insert_rows(connection, PredictionRow, [(1, 1, None, 0.0, False, "[]")])
