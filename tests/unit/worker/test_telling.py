"""Progress that is told: the newest step, to who asks and who watches, at nobody's cost."""

from __future__ import annotations

from contextlib import suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from celery.events import EventReceiver

from worker.broker.app import create_app
from worker.broker.settings import BrokerSettings
from worker.telling import PROGRESS, Step, Teller

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery, Task

    from worker.broker.embedded import EmbeddedRedis

TASK = "8f2d9e1c-0f49-4a44-9c9c-5f8e7d0c6b3a"

# Celery's own way to let a key expire.
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")


@pytest.fixture
def app(redis_server: EmbeddedRedis) -> Iterator[Celery]:
    """An application with results in a real Redis."""
    app = create_app(redis_server.url, BrokerSettings(), results=True)
    yield app
    app.backend.client.close()
    app.close()


def task_of(app: Celery) -> Task:
    """A task as it is carried out, as far as a teller looks at it."""
    request = SimpleNamespace(id=TASK, hostname="trainer-1@host")
    return cast("Task", SimpleNamespace(app=app, backend=app.backend, request=request))


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (Step("embedding", 120, 2220), "embedding 120 of 2,220"),
        (Step("fitting", 1, 3, "about 9 s left"), "fitting 1 of 3; about 9 s left"),
        (Step("starting", 0, 0), "starting"),
    ],
)
def test_a_step_reads_well(step: Step, text: str) -> None:
    """What is done, how much of it, and what people should know."""
    assert str(step) == text


def test_a_step_is_told_to_all(app: Celery) -> None:
    """As the task's state, and as an event that watchers show with its text for a result."""
    seen: list[dict[str, Any]] = []
    with app.connection_for_read() as spare:
        receiver = EventReceiver(spare, handlers={"task-progress": seen.append}, app=app)
        listening = receiver.consumer_context(wakeup=False)
        with listening as (connection, *_), Teller(task_of(app), training=7) as tell:
            # Who begins to listen hears nothing of before.
            while not seen:
                tell("embedding", 3, 9)
                with suppress(TimeoutError):
                    connection.drain_events(timeout=0.1)
    told = {"training": 7, "stage": "embedding", "done": 3, "total": 9, "detail": ""}
    assert told.items() <= seen[0].items()
    assert (seen[0]["uuid"], seen[0]["result"]) == (TASK, "embedding 3 of 9")
    assert (app.AsyncResult(TASK).state, app.AsyncResult(TASK).info) == (PROGRESS, told)


def test_telling_is_never_waited_for() -> None:
    """A thousand steps and the end of a task go on while the broker is away."""
    app = create_app("redis://127.0.0.1:1/0", BrokerSettings(), results=True)
    with Teller(task_of(app)) as tell:
        for done in range(1000):
            tell("embedding", done, 1000)
