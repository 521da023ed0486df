"""`kaolabel db`: says what it did, who may go on, and which side to upgrade."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from db import schema
from tests.command import Kaolabel

if TYPE_CHECKING:
    from pathlib import Path

USAGE = 2

BEFORE = sorted(path.name[:4] for path in (schema.MIGRATIONS / "versions").glob("[0-9]*.py"))[-2]


@pytest.fixture
def kaolabel(home: Path) -> Kaolabel:
    """A home with an empty database."""
    home.mkdir(mode=0o700)
    return Kaolabel(home)


def test_an_upgrade_says_what_it_did(kaolabel: Kaolabel) -> None:
    """From which revision to which, and which workers may go on; then that nothing is to do."""
    with kaolabel.database() as database:
        schema.upgrade(database, BEFORE)
    refused = kaolabel.run("db", "check")
    assert (refused.returncode, refused.stdout) == (USAGE, "")
    assert f"at revision {BEFORE}, this kaolabel needs {schema.head()}" in refused.stderr
    done = kaolabel.run("db", "upgrade")
    assert f"went from {BEFORE} to revision {schema.head()}\n" in done.stdout
    with kaolabel.database() as database:
        oldest = schema.standing(database).oldest
    assert done.stdout.endswith(f"workers of revision {oldest} or newer may go on\n")
    again = kaolabel.run("db", "upgrade")
    assert f"is at revision {schema.head()}: nothing to do\n" in again.stdout


def test_programs_get_the_same(kaolabel: Kaolabel) -> None:
    """One object each, with the revision before and after, and whether it fits."""
    upgraded = kaolabel.json("db", "upgrade")
    expected = {"revision": schema.head(), "needed": schema.head(), "fits": True}
    expected["oldest"] = upgraded["oldest"]
    assert upgraded == {"database": upgraded["database"], "before": None, **expected}
    assert kaolabel.json("db", "check") == {"database": upgraded["database"], **expected}


def test_a_database_of_tomorrow_is_refused_in_one_line(kaolabel: Kaolabel) -> None:
    """Both commands say that it is this kaolabel that has to be upgraded."""
    kaolabel.json("db", "upgrade")
    with kaolabel.database() as database, database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(text("UPDATE compatibility SET oldest = '9998'"))
    refused = kaolabel.run("db", "upgrade")
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (USAGE, "", 1)
    assert refused.stderr.endswith(f"this kaolabel knows {schema.head()}: upgrade kaolabel here\n")
    checked = kaolabel.run("db", "check", "--json")
    assert (checked.returncode, json.loads(checked.stdout)["fits"]) == (USAGE, False)
