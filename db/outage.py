"""What a database's error means: away for a while, or in need of a person."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError, OperationalError

# Waiting mends none of these, but people do: PostgreSQL's SQLSTATE (its appendix A), and SQLite's
# primary result codes (https://www.sqlite.org/rescode.html).
_REMEDIES: dict[str | int, str] = dict.fromkeys(
    ("53100", sqlite3.SQLITE_FULL), "its disk is full; make room there"
)
_REMEDIES |= dict.fromkeys(
    ("58030", sqlite3.SQLITE_IOERR), "its disk is full or fails; look after that disk"
)
_REMEDIES |= dict.fromkeys(
    ("25006", "42501", sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN),
    "it may not be written; let this user write it, and the folder that it is in",
)
_REMEDIES |= dict.fromkeys(
    ("XX001", "XX002", sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB),
    "it is damaged; restore it from a copy",
)

# Classes of SQLSTATE: connection, rollback (deadlock, serialization), resources, operator.
_PASSING_CLASSES = {"08", "40", "53", "57"}
# A lock that another transaction held for too long; a session that was idle for too long; SQLite.
_PASSING = {"55P03", "25P03", sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def remedy(error: DBAPIError) -> str | None:
    """What a person has to do about a database that cannot be used; None where it is no such."""
    code = _code(error)
    return None if code is None else _REMEDIES.get(code)


def is_transient(error: DBAPIError) -> bool:
    """Whether the same transaction may succeed when it is tried again.

    True for lost connections, a locked SQLite file, deadlocks and serialization failures.
    """
    code = _code(error)
    if remedy(error) is not None:
        return False
    if error.connection_invalidated or code in _PASSING:
        return True
    if isinstance(code, str):
        return code[:2] in _PASSING_CLASSES
    # psycopg has no SQLSTATE for a server that cannot be reached at all.
    return isinstance(error, OperationalError) and "psycopg" in type(error.orig).__module__


def reason(error: DBAPIError) -> str:
    """What the driver says, in one line."""
    return (str(error.orig).strip().splitlines() or [type(error.orig).__name__])[0]


def _code(error: DBAPIError) -> str | int | None:
    """PostgreSQL's SQLSTATE, or SQLite's primary result code."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        # The upper bits tell more than is needed here, such as which call failed.
        return int(code) & 0xFF
    state = getattr(error.orig, "sqlstate", None)
    return None if state is None else str(state)
