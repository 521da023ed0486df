"""How SQLAlchemy connects to each kind of database, and begins a transaction there."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from db.errors import UsageError
from db.outage import is_transient

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

# The execution option of a transaction that may write: the seconds it waits for other writers.
WRITE_WAIT = "kaolabel_write_wait"

# How long SQLite waits for others by itself, in milliseconds; Ctrl-C is not heard meanwhile.
_READ_BUSY_MS = 30_000
_WRITE_BUSY_MS = 1_000

# Where a server or the way to it is gone without a word, it is noticed within a minute, and not
# after the hours that the system gives (libpq's parameters: PostgreSQL's manual, 32.1.2).
_POSTGRESQL: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 50_000,
    # Else that of the environment, or of the server, may turn text into bytes.
    "client_encoding": "utf8",
}
# Connections that stay open: a server has few, and every worker keeps some. A second one at a time,
# such as for the lease of the job in hand, is made when it is needed and closed again.
_KEPT, _MORE = 1, 4
# Options of a URL that are shown; libpq takes secrets among the others.
_SHOWN = {"host", "port", "sslmode", "sslrootcert"}

# Local to a transaction, as everything must be behind a pooler such as pgbouncer: a writer whose
# host is gone holds its locks for a minute, and nobody waits for a lock for longer.
_LOCAL = (
    "SELECT set_config('lock_timeout', '60s', true),"
    " set_config('idle_in_transaction_session_timeout', '60s', true)"
)


def parse(url: str) -> URL:
    """The URL of a database that kaolabel can use.

    Raises:
        UsageError: when it is none.
    """
    try:
        parsed = make_url(url)
        if not parsed.drivername.startswith("sqlite"):
            _require_address(url, parsed)
    except (ArgumentError, ValueError):
        # Neither quoted nor chained: what stands in the port's place may be a piece of a password.
        raise UsageError(
            "KAOLABEL_DATABASE_URL is no database URL: write postgresql://USER:PASSWORD@HOST:PORT/NAME,"
            " with special characters of the password as %XX, or sqlite:////PATH"
        ) from None
    if parsed.drivername in {"postgresql", "postgres"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise UsageError(
            f"KAOLABEL_DATABASE_URL names {parsed.drivername}; "
            "kaolabel keeps its data in sqlite or postgresql"
        )
    return parsed


def shown(url: URL) -> str:
    """A URL as text, without its password and without options that may hold one."""
    hidden = dict.fromkeys(url.query.keys() - _SHOWN, "***")
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


def make_engine(url: URL, *, foreign_keys: bool) -> Engine:
    """An engine whose connections are set up as kaolabel needs them.

    Args:
        url: as `parse` gave it.
        foreign_keys: whether SQLite holds rows to what they refer to.

    Raises:
        UsageError: when there is no such driver.
    """
    sqlite = url.get_backend_name() == "sqlite"
    try:
        options = {} if sqlite else _postgresql_options(url)
        engine = create_engine(url, pool_pre_ping=True, **options)
    except (ArgumentError, NoSuchModuleError) as error:
        raise UsageError(f"KAOLABEL_DATABASE_URL cannot be used: {error}") from error
    if sqlite:
        event.listen(engine, "connect", partial(_set_pragmas, foreign_keys=foreign_keys))
        event.listen(engine, "begin", _begin_sqlite)
    else:
        # One statement for many rows, as PostgreSQL plans every statement anew.
        engine.dialect.use_insertmanyvalues_wo_returning = True
        event.listen(engine, "begin", _begin_postgresql)
    return engine


def _require_address(url: str, parsed: URL) -> None:
    # As driver and resolver will, of which the latter knows no empty labels either.
    _ = url.encode(), (parsed.host or "").encode("idna")
    if url.count("@") > 1:
        # What follows the first one would be taken for the host, and shown.
        raise ValueError("more than one @")


def _postgresql_options(url: URL) -> dict[str, Any]:
    # What the URL says counts; and statements that are prepared on one server connection are
    # unknown on the next one that a pooler gives.
    own = {name: value for name, value in _POSTGRESQL.items() if name not in url.query}
    arguments = {"prepare_threshold": None, **own}
    return {"connect_args": arguments, "pool_size": _KEPT, "max_overflow": _MORE}


def _set_pragmas(connection: Any, _record: Any, *, foreign_keys: bool) -> None:
    # The driver's own BEGIN is deferred and would fail at once, not wait, when a reader of an
    # old snapshot writes; with isolation_level None the begin event below decides.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {_READ_BUSY_MS}",
        "journal_mode = WAL",
        "synchronous = NORMAL",
        f"foreign_keys = {'ON' if foreign_keys else 'OFF'}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    wait = connection.get_execution_options().get(WRITE_WAIT)
    if wait is None:
        connection.exec_driver_sql("BEGIN")
        return
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {_WRITE_BUSY_MS}")
    try:
        _begin_immediate(connection, until=time.monotonic() + wait)
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {_READ_BUSY_MS}")


def _begin_immediate(connection: Connection, *, until: float) -> None:
    while True:
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except DBAPIError as error:
            if not is_transient(error) or time.monotonic() >= until:
                raise
        else:
            return


def _begin_postgresql(connection: Connection) -> None:
    if WRITE_WAIT in connection.get_execution_options():
        connection.exec_driver_sql(_LOCAL)
