"""What `kaolabel status` says of the broker, whatever that does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from monitor.status.broker import Look
from tests.faults.services import RedisServer
from worker.broker.messages import LABEL_QUEUE, TRAIN_QUEUE
from worker.broker.settings import BrokerSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from worker.broker.embedded import EmbeddedRedis


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that may be disturbed."""
    server = RedisServer(tmp_path / "redis")
    server.start()
    yield server
    server.thaw()
    server.stop()


def answer(url: str) -> dict[str, Any]:
    """What is said of the broker of that URL."""
    return Look(BrokerSettings(broker_url=SecretStr(url))).answer()


def test_messages_that_wait_are_counted(server: RedisServer) -> None:
    """Those for workers and those for trainers, each; what a worker has taken does not wait."""
    with server.client() as client:
        client.rpush(LABEL_QUEUE, "one", "two")
        client.rpush(TRAIN_QUEUE, "three")
    url = f"redis://127.0.0.1:{server.port}/0"
    assert answer(url) == {
        "url": url,
        "answers": True,
        "waiting": 2,
        "waiting_trainings": 1,
        "error": None,
    }
    assert answer(f"{url[:-1]}1")["waiting"] == 0


def test_a_broker_on_a_socket_is_asked_too(redis_server: EmbeddedRedis) -> None:
    """A Redis of our own is reached by its socket, where its URL is given."""
    assert answer(redis_server.url)["answers"]


def test_a_broker_that_says_nothing_is_not_waited_for(server: RedisServer) -> None:
    """One that takes connections and is silent is told as such; so is one that is gone."""
    url = f"redis://:secret@127.0.0.1:{server.port}/0"
    server.freeze()
    silent = answer(url)
    server.thaw()
    server.stop()
    for told in (silent, answer(url)):
        assert (told["answers"], told["waiting"]) == (False, None)
        assert told["url"] == f"redis://:***@127.0.0.1:{server.port}/0"
        assert told["error"]
        assert "secret" not in told["error"]


@pytest.mark.parametrize(
    "url", ["http://:secret@host", "redis://:se/cret@host", "redis://host/0?secret=1"]
)
def test_a_url_that_is_none_is_told(url: str) -> None:
    """A status is there all the same; nothing of what may be a password is shown."""
    told = answer(url)
    assert (told["answers"], told["url"]) == (False, None)
    assert "KAOLABEL_BROKER_URL" in told["error"]
    assert "secret" not in told["error"]
