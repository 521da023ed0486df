"""Results of tasks in the broker's Redis: kept for watchers, and in nobody's way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from worker.broker import results
from worker.broker.app import create_app
from worker.broker.results import Results
from worker.broker.settings import BrokerSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

    from worker.broker.embedded import EmbeddedRedis

TASK = "5b4d2d0c-3f6e-4a55-8f53-fd1d5b2a1c11"


@pytest.fixture
def app(redis_server: EmbeddedRedis) -> Iterator[Celery]:
    """An application with results in an embedded Redis, which is reached by a socket."""
    app = create_app(redis_server.url, BrokerSettings(), results=True)
    yield app
    app.backend.client.close()
    app.close()


@pytest.fixture
def nowhere() -> Iterator[Celery]:
    """An application whose Redis is away."""
    app = create_app("redis://127.0.0.1:1/0", BrokerSettings(), results=True)
    yield app
    app.backend.client.close()
    app.close()


# Celery's own way to let a key expire.
@pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")
def test_results_are_kept_for_a_while(app: Celery) -> None:
    """They lie where the messages are, and end by themselves."""
    app.backend.store_result(TASK, {"faces": 3}, "SUCCESS")
    assert (app.AsyncResult(TASK).state, app.AsyncResult(TASK).result) == ("SUCCESS", {"faces": 3})
    left = app.backend.client.ttl(app.backend.get_key_for_task(TASK))
    assert 0 < left <= 24 * 3600


def test_only_who_asks_for_results_keeps_them(redis_server: EmbeddedRedis) -> None:
    """Producers have no store of results, and subscribe to none."""
    app = create_app(redis_server.url, BrokerSettings())
    assert not isinstance(app.backend, Results)
    app.close()


def test_a_redis_that_is_away_is_no_error(
    nowhere: Celery, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the progress of a task nor its end fails when they cannot be told."""
    monkeypatch.setattr(results, "_PATIENCE", 0.0)
    for state in ("PROGRESS", "SUCCESS", "FAILURE"):
        nowhere.backend.store_result(TASK, {}, state)
    assert nowhere.backend.known_state(TASK) == "PENDING"
    assert [record.message.split(":")[0] for record in caplog.records] == [f"task {TASK}"] * 4


def test_a_sent_task_opens_no_subscription(app: Celery) -> None:
    """A worker's parent that publishes a million jobs listens to none of them."""
    for _ in range(3):
        app.send_task("kaolabel.label_job", kwargs={"job_id": 1})
    assert app.backend.result_consumer.subscribed_to == set()
