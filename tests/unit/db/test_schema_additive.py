"""Revisions are additive: programs of the release before go on with each, unless it says not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from db import schema
from db.engine import Database
from tests.additive import breaks, shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.additive import Shape

# The last revision of which nobody asked whether it was additive.
BEFORE = "0004"

REVISIONS = sorted(
    path.name.partition("_")[0] for path in (schema.MIGRATIONS / "versions").glob("[0-9]*.py")
)
SINCE = [revision for revision in REVISIONS if revision > BEFORE]

# What a revision might do to the tables of the release before, and what is then said of it.
HARM = {
    "ALTER TABLE jobs DROP COLUMN error": "jobs.error is gone",
    "ALTER TABLE jobs RENAME COLUMN error TO reason": "jobs.error is gone",
    "ALTER TABLE jobs RENAME TO tasks": "jobs.error is gone",
    "DROP VIEW unrecognized": "unrecognized.reason is gone",
    "ALTER TABLE jobs ALTER COLUMN error TYPE varchar(10)": "was TEXT, and is VARCHAR(10)",
    "ALTER TABLE jobs ALTER COLUMN error SET NOT NULL": "jobs.error may not be empty",
    "ALTER TABLE jobs ADD COLUMN more integer NOT NULL": "jobs.more may not be empty",
    "ALTER TABLE runs ALTER COLUMN kind DROP DEFAULT": "runs.kind is not filled in any more",
    "ALTER TABLE contents DROP CONSTRAINT uq_contents_sha256": "is not unique any more",
    "CREATE UNIQUE INDEX one ON jobs (error)": "jobs (error) must be unique",
    "ALTER TABLE jobs ADD CHECK (attempts < 9)": "jobs must obey",
    "ALTER TABLE jobs ADD FOREIGN KEY (attempts) REFERENCES runs (id)": "jobs must obey attempts",
}

HARMLESS = (
    "CREATE TABLE more (id integer PRIMARY KEY, name text NOT NULL UNIQUE)",
    "ALTER TABLE jobs ADD COLUMN more text",
    "ALTER TABLE jobs ADD COLUMN most integer NOT NULL DEFAULT 0",
    "CREATE INDEX quick ON jobs (error)",
)


@pytest.fixture
def empty(empty_url: str) -> Iterator[Database]:
    """A database without tables."""
    database = Database(empty_url)
    yield database
    database.close()


def test_a_revision_is_additive_or_says_that_it_is_not(empty: Database) -> None:
    """What breaks programs of the release before names itself as the oldest that may go on."""
    schema.upgrade(empty, BEFORE)
    for revision in SINCE:
        before, allowed = look(empty), schema.standing(empty).oldest or ""
        schema.upgrade(empty, revision)
        harm, oldest = breaks(before, look(empty)), schema.standing(empty).oldest or ""
        assert oldest == revision if harm else allowed <= oldest <= revision, (revision, harm)


def test_going_down_from_a_revision_keeps_every_row(empty: Database) -> None:
    """Each revision can be taken back with rows in the tables, and put on again."""
    schema.upgrade(empty, BEFORE)
    with empty.write() as connection:
        for statement in ROWS.split(";"):
            connection.execute(text(statement))
    before, rows = look(empty), stored(empty)
    schema.upgrade(empty)
    for revision in reversed([BEFORE, *SINCE][:-1]):
        schema.downgrade(empty, revision)
    assert (look(empty), stored(empty)) == (before, rows)
    schema.upgrade(empty)


def test_harm_to_programs_is_seen(postgresql: Database) -> None:
    """Whatever an older program would stumble over is found out, in words that name it."""
    found = {statement: harm_of(postgresql, statement) for statement in HARM}
    for statement, words in HARM.items():
        assert any(words in one for one in found[statement]), (statement, found[statement])


def test_what_is_only_added_is_no_harm(database: Database) -> None:
    """New tables, columns that may be empty or are filled in, and indexes break nobody."""
    assert harm_of(database, *HARMLESS) == []


def harm_of(database: Database, *statements: str) -> list[str]:
    """What a change breaks; it is undone afterwards."""
    with database.engine.connect() as connection, connection.begin() as change:
        before = shape(connection)
        for statement in statements:
            connection.execute(text(statement))
        found = breaks(before, shape(connection))
        change.rollback()
    return found


def look(database: Database) -> Shape:
    """The shape of a database."""
    with database.read() as connection:
        return shape(connection)


def stored(database: Database) -> dict[str, int]:
    """How many rows there are in each table that had some."""
    with database.read() as connection:
        return {
            name: int(connection.scalar(text(f"SELECT count(*) FROM {name}")) or 0)  # noqa: S608  # fixed names
            for name in ("archives", "runs", "jobs", "images")
        }


ROWS = """
INSERT INTO archives (root, display) VALUES ('', 'x');
INSERT INTO runs (archive_id, chain_id, detect_only, state, walked, listed, skipped, started_at,
                  heartbeat_at) VALUES (1, 'chain', '0', 'finished', '1', 1, 0, 0, 0);
INSERT INTO jobs (run_id, state, size, attempts, generation, created_at, not_before, decoded)
VALUES (1, 'done', 1, 1, 1, 0, 0, 1);
INSERT INTO images (archive_id, path, display, size, mtime_ns, run_id, due, job_id)
VALUES (1, '', 'y', 1, 1, 1, '0', 1)
"""
