"""Databases that cannot hold any text are told from those that can."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import make_url

from db.engine import Database
from db.errors import UsageError

if TYPE_CHECKING:
    from tests.postgres import Postgres


def test_a_database_of_bytes_is_refused(postgres: Postgres) -> None:
    """One that was made without an encoding is refused with how to make another one."""
    with postgres.lend(empty=True) as url:
        statement = "CREATE DATABASE plain ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)
        database = Database(
            make_url(url).set(database="plain").render_as_string(hide_password=False)
        )
        with pytest.raises(UsageError, match=r"encoding SQL_ASCII.*createdb --encoding=UTF8"):
            database.ping()
        database.close()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP DATABASE plain")
