"""What all tests share: a scrubbed environment, real databases, a real Redis, drawn images."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
import redis

from db.engine import Database
from tests.homes import HOMES
from tests.ledger import Ledger
from tests.postgres import migrate, serve
from worker.broker.app import create_app
from worker.broker.embedded import EmbeddedRedis
from worker.broker.settings import BrokerSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

    from tests.postgres import Postgres

ROOT = Path(__file__).parents[1]
DEV_DATA = Path(os.environ.get("KAOLABEL_DEV_DATA", ROOT.parent / "shared"))

# The same examples in every run, however slow the machine is.
hypothesis.settings.register_profile("kaolabel", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("kaolabel")


def pytest_configure() -> None:
    """Let commands hear Ctrl-C, which a shell's background jobs ignore, and their children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _scrubbed_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the person who runs the tests reaches kaolabel."""
    for name in list(os.environ):
        if name.startswith("KAOLABEL_") and name != "KAOLABEL_DEV_DATA":
            monkeypatch.delenv(name)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where tests of the whole command keep what they find."""
    parser.addoption(
        "--database",
        choices=("sqlite", "postgresql"),
        default="sqlite",
        help="the database of every home folder of a test",
    )


@pytest.fixture(scope="session", autouse=True)
def _server_of_homes(request: pytest.FixtureRequest) -> Iterator[None]:
    """Home folders have their databases where --database says."""
    if request.config.getoption("database") == "postgresql":
        HOMES.server = request.getfixturevalue("postgres")
    yield
    HOMES.server = None


@pytest.fixture(autouse=True)
def _homes_of_the_test(_server_of_homes: None) -> Iterator[None]:
    """Databases of the test's own homes are dropped at its end."""
    before = HOMES.known
    yield
    HOMES.forget(HOMES.known - before)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder that does not exist yet."""
    return tmp_path / "home"


@pytest.fixture
def dev_data() -> Path:
    """The development images, which are not part of the repository."""
    if not (DEV_DATA / "data").is_dir():
        pytest.skip(f"needs the development data, not found at {DEV_DATA}: set KAOLABEL_DEV_DATA")
    return DEV_DATA


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL server for the session."""
    with serve() as postgres:
        yield postgres


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file at the newest revision."""
    path = tmp_path_factory.mktemp("template") / "kaolabel.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database at the newest revision, of each kind in turn."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "test.db")
        yield f"sqlite:///{tmp_path / 'test.db'}"
    else:
        with request.getfixturevalue("postgres").lend(empty=False) as url:
            yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables, of each kind in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        with request.getfixturevalue("postgres").lend(empty=True) as url:
            yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database at the newest revision, of each kind in turn."""
    database = Database(database_url, patience=20.0)
    yield database
    database.close()


@pytest.fixture
def sqlite(sqlite_template: Path, home: Path) -> Iterator[Database]:
    """The SQLite database of `home`, at the newest revision."""
    home.mkdir(mode=0o700)
    shutil.copy(sqlite_template, home / "kaolabel.db")
    database = Database(f"sqlite:///{home / 'kaolabel.db'}", patience=20.0)
    yield database
    database.close()


@pytest.fixture
def home_database(home: Path) -> Iterator[Database]:
    """The database of `home`, at the newest revision, of the kind that --database names."""
    home.mkdir(mode=0o700)
    migrate(HOMES.url(home))
    database = Database(HOMES.url(home), patience=20.0)
    yield database
    database.close()


@pytest.fixture
def postgresql(postgres: Postgres) -> Iterator[Database]:
    """A PostgreSQL database at the newest revision, for what SQLite does not have."""
    with postgres.lend(empty=False) as url:
        database = Database(url, patience=20.0)
        yield database
        database.close()


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """A ledger in a database of each kind in turn."""
    return Ledger(database)


@pytest.fixture
def postgresql_ledger(postgresql: Database) -> Ledger:
    """A ledger in PostgreSQL, for what only happens with several writers at a time."""
    return Ledger(postgresql)


@pytest.fixture
def sqlite_ledger(sqlite: Database) -> Ledger:
    """A ledger in the SQLite database of `home`."""
    return Ledger(sqlite)


@pytest.fixture
def home_ledger(home_database: Database) -> Ledger:
    """A ledger in the database of `home`."""
    return Ledger(home_database)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    """One real Redis for the session."""
    with EmbeddedRedis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def app(redis_server: EmbeddedRedis) -> Iterator[Celery]:
    """An application whose Redis is empty."""
    with redis.Redis(unix_socket_path=str(redis_server.socket)) as client:
        client.flushall()
    app = create_app(redis_server.url, BrokerSettings())
    yield app
    app.close()
