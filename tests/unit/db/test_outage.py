"""Errors of a database: which pass by themselves, and what people have to do about the others."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError, OperationalError

from db.outage import is_transient, reason, remedy


def sqlite_error(code: int, said: str = "said") -> DBAPIError:
    """What SQLAlchemy raises for an extended result code of SQLite."""
    error = sqlite3.OperationalError(said)
    error.sqlite_errorcode = code
    return OperationalError("SELECT 1", None, error)


def postgresql_error(state: str) -> DBAPIError:
    """What SQLAlchemy raises for a SQLSTATE."""
    return DBAPIError("SELECT 1", None, psycopg.errors.lookup(state)("said"))


@pytest.mark.parametrize(
    "error",
    [
        *map(postgresql_error, ("08006", "40001", "40P01", "53300", "55P03", "57P01", "25P03")),
        sqlite_error(sqlite3.SQLITE_BUSY),
        sqlite_error(sqlite3.SQLITE_BUSY_RECOVERY),
        sqlite_error(sqlite3.SQLITE_LOCKED),
        OperationalError("SELECT 1", None, psycopg.OperationalError("connection refused")),
        DBAPIError("SELECT 1", None, psycopg.InterfaceError("x"), connection_invalidated=True),
    ],
)
def test_outages_pass(error: DBAPIError) -> None:
    """Lost connections, locks, deadlocks and servers that are away are worth another try."""
    assert is_transient(error)
    assert remedy(error) is None


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (postgresql_error("53100"), "disk is full"),
        (postgresql_error("58030"), "disk is full or fails"),
        (postgresql_error("25006"), "may not be written"),
        (postgresql_error("42501"), "may not be written"),
        (postgresql_error("XX001"), "damaged"),
        (sqlite_error(sqlite3.SQLITE_FULL), "disk is full"),
        (sqlite_error(sqlite3.SQLITE_IOERR_WRITE), "disk is full or fails"),
        (sqlite_error(sqlite3.SQLITE_READONLY_DBMOVED), "may not be written"),
        (sqlite_error(sqlite3.SQLITE_CANTOPEN), "may not be written"),
        (sqlite_error(sqlite3.SQLITE_CORRUPT), "damaged"),
        (sqlite_error(sqlite3.SQLITE_NOTADB), "damaged"),
    ],
)
def test_what_people_must_mend_is_no_outage(error: DBAPIError, said: str) -> None:
    """A full disk, a missing permission or a damaged file is told at once, with what to do."""
    assert not is_transient(error)
    assert said in (remedy(error) or "")


@pytest.mark.parametrize(
    "error",
    [
        postgresql_error("23505"),
        postgresql_error("42P01"),
        sqlite_error(sqlite3.SQLITE_CONSTRAINT_UNIQUE),
        DBAPIError("SELECT 1", None, sqlite3.ProgrammingError("x")),
    ],
)
def test_mistakes_of_ours_are_neither(error: DBAPIError) -> None:
    """What is wrong with a statement is wrong in every try, and no person at the database helps."""
    assert not is_transient(error)
    assert remedy(error) is None


def test_the_reason_is_one_line() -> None:
    """Drivers say several lines, or nothing at all."""
    assert reason(sqlite_error(5, "database is locked\nreally")) == "database is locked"
    assert reason(sqlite_error(5, "")) == "OperationalError"
