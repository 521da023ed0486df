"""TLS to Redis and PostgreSQL: who cannot prove who they are is refused, by either side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url, text

from db.engine import Database
from db.errors import UnavailableError, UsageError
from tests.certificates import Authority
from tests.tls import USER, front_postgres, serve_redis
from training.app import create_training_app
from training.settings import TrainingSettings
from worker.broker.app import check, create_app, waiting_messages
from worker.broker.messages import LABEL_JOB, label_job
from worker.broker.settings import BrokerSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.certificates import Certificate
    from tests.postgres import Postgres

PASSWORD = "hush#@/:?%hush"  # noqa: S105  # a word to look for in what is said

# One process starts the Redis for all of them.
pytestmark = pytest.mark.xdist_group("tls")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where certificates and logs lie."""
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    """Who vouches for the servers."""
    return Authority(folder)


@pytest.fixture(scope="module")
def client(authority: Authority) -> Certificate:
    """What a client shows."""
    return authority.issue("client")


@pytest.fixture(scope="module")
def redis_port(folder: Path, authority: Authority) -> Iterator[int]:
    """The port of a Redis that is known as localhost."""
    server = authority.issue("redis")
    with serve_redis(folder, authority, server, password=PASSWORD) as port:
        yield port


def url_of(port: int, *, host: str = "localhost", password: str = PASSWORD) -> str:
    """The URL of the Redis."""
    return f"rediss://{USER}:{quote(password, safe='')}@{host}:{port}/0"


@pytest.fixture
def settings(authority: Authority, client: Certificate) -> BrokerSettings:
    """All that the Redis asks for."""
    return BrokerSettings(broker_ca=authority.cert, broker_cert=client.cert, broker_key=client.key)


def test_messages_go_through_tls(redis_port: int, settings: BrokerSettings) -> None:
    """With certificates and a password on either side, messages are sent and counted."""
    app = create_app(url_of(redis_port), settings)
    check(app)
    before = waiting_messages(app)
    app.send_task(LABEL_JOB, kwargs=label_job(1))
    assert waiting_messages(app) == before + 1
    app.close()


# Celery's own call of redis-py.
@pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")
def test_results_go_through_tls(redis_port: int, settings: BrokerSettings) -> None:
    """The states of trainings are kept in the same Redis in the same way."""
    app = create_training_app(url_of(redis_port), settings, TrainingSettings())
    app.backend.store_result("some-training", {"stage": "fit"}, "PROGRESS")
    assert app.AsyncResult("some-training").info == {"stage": "fit"}
    app.close()


@pytest.mark.parametrize(
    ("change", "host", "password", "said"),
    [
        ({"broker_ca": None}, "localhost", PASSWORD, "certificate verify failed"),
        ({"broker_ca": "other"}, "localhost", PASSWORD, "certificate verify failed"),
        ({}, "127.0.0.1", PASSWORD, "certificate is not valid for '127.0.0.1'"),
        ({"broker_cert": None, "broker_key": None}, "localhost", PASSWORD, "_CERT and _KEY"),
        ({}, "localhost", "hush", "check the user and the password in KAOLABEL_BROKER_URL"),
    ],
)
def test_a_redis_or_a_client_without_proof_is_refused(
    redis_port: int,
    settings: BrokerSettings,
    tmp_path: Path,
    change: dict[str, Any],
    host: str,
    password: str,
    said: str,
) -> None:
    """Another authority, host or password ends in one line that shows no password."""
    if change.get("broker_ca"):
        change = {"broker_ca": Authority(tmp_path, "other").cert}
    app = create_app(
        url_of(redis_port, host=host, password=password), settings.model_copy(update=change)
    )
    with pytest.raises(UnavailableError) as caught:
        check(app)
    assert said in str(caught.value)
    assert "hush" not in str(caught.value)
    app.close()


def test_a_redis_with_tls_is_not_spoken_to_without(redis_port: int) -> None:
    """With redis:// in place of rediss:// nothing gets through, not even the password's prompt."""
    app = create_app(url_of(redis_port).replace("rediss", "redis"), BrokerSettings())
    with pytest.raises(UnavailableError, match="does not answer"):
        check(app)
    app.close()


def test_files_of_tls_that_cannot_be_used_are_refused(tmp_path: Path, client: Certificate) -> None:
    """A missing file, one that is no PEM, a lone key and a URL without TLS are told."""
    (tmp_path / "text").write_text("some text")
    text_file = tmp_path / "text"
    for wrong, said in (
        (BrokerSettings(broker_ca=tmp_path / "missing"), "missing"),
        (BrokerSettings(broker_ca=text_file), "give PEM files"),
        (BrokerSettings(broker_cert=client.cert, broker_key=text_file), "give PEM files"),
        (BrokerSettings(broker_key=client.key), "give PEM files"),
    ):
        with pytest.raises(UsageError, match=said):
            create_app("rediss://localhost/0", wrong)
    with pytest.raises(UsageError, match="begin with rediss://"):
        create_app("redis://localhost/0", BrokerSettings(broker_ca=client.cert))


@pytest.fixture
def postgres_url(postgres: Postgres, authority: Authority) -> Iterator[str]:
    """The URL of an empty database behind TLS, without any option."""
    with postgres.lend(empty=True) as url:
        inner = make_url(url)
        socket = f"{inner.query['host']}/.s.PGSQL.5432"
        with front_postgres(socket, authority.issue("postgres")) as port:
            outer = inner.set(host="localhost", port=port, password=PASSWORD, query={})
            yield outer.render_as_string(hide_password=False)


def test_postgresql_is_reached_through_tls(postgres_url: str, authority: Authority) -> None:
    """With sslmode=verify-full in the URL the server must be the one that it says it is."""
    database = Database(f"{postgres_url}?sslmode=verify-full&sslrootcert={authority.cert}")
    database.ping()
    with database.read() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
        raw: Any = connection.connection.dbapi_connection
        assert raw.pgconn.ssl_in_use
    database.close()


@pytest.mark.parametrize(
    ("host", "authority_name", "said"),
    [
        ("localhost", "other", "certificate verify failed"),
        ("127.0.0.1", "authority", "does not match host name"),
    ],
)
def test_a_postgresql_without_proof_is_refused(
    postgres_url: str,
    authority: Authority,
    tmp_path: Path,
    host: str,
    authority_name: str,
    said: str,
) -> None:
    """Another authority or host ends in one line that shows no password."""
    other = authority_name == "other"
    cert = Authority(tmp_path, "other").cert if other else authority.cert
    url = postgres_url.replace("localhost", host)
    database = Database(f"{url}?sslmode=verify-full&sslrootcert={cert}")
    with pytest.raises(UnavailableError, match=said) as caught:
        database.ping()
    assert "hush" not in str(caught.value)
    database.close()


def test_urls_come_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that is mounted as a file is read, without the line's end; two are refused."""
    (tmp_path / "url").write_text("redis://:hush@host/0\n")
    monkeypatch.setenv("KAOLABEL_BROKER_URL_FILE", str(tmp_path / "url"))
    assert BrokerSettings().broker_url == SecretStr("redis://:hush@host/0")
    monkeypatch.setenv("KAOLABEL_BROKER_URL", "redis://:hush@host/1")
    with pytest.raises(UsageError, match="_URL_FILE and KAOLABEL_BROKER_URL are both set") as both:
        BrokerSettings()
    monkeypatch.delenv("KAOLABEL_BROKER_URL")
    monkeypatch.setenv("KAOLABEL_BROKER_URL_FILE", str(tmp_path / "missing"))
    with pytest.raises(UsageError, match="missing cannot be read: No such file"):
        BrokerSettings()
    assert "hush" not in str(both.value)
