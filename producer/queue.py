"""A broker with workers behind it: those of others, or a Redis and a worker of our own."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from db.errors import KaolabelError
from db.logs.settings import read_log_settings
from db.store import workers
from worker import launch
from worker.broker.embedded import EmbeddedRedis
from worker.broker.embedded_worker import EmbeddedWorker
from worker.settings import join_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from celery import Celery

    from db.engine import Database
    from producer.session import Settings


@dataclass(frozen=True, slots=True)
class Queue:
    """An open ledger and a broker with workers behind it.

    Attributes:
        watch: keeps workers of our own alive; does nothing about others'.
        embedded: whether Redis and workers are our own.
    """

    database: Database
    app: Celery
    watch: Callable[[], None]
    embedded: bool


@contextmanager
def open_queue(
    settings: Settings,
    database: Database,
    *,
    archives: Sequence[bytes] = (),
    prepare: str = "nothing",
) -> Iterator[Queue]:
    """A broker that answers, with workers of our own where none is named.

    Args:
        settings: of the command.
        database: the ledger.
        archives: all that workers of our own may read.
        prepare: what they get ready before their first job; see `WorkerSettings`.

    Raises:
        UnavailableError: when the broker does not answer.
    """
    if settings.broker.broker_url is not None:
        app = _application(settings.broker.broker_url.get_secret_value(), settings)
        yield Queue(database, app, lambda: None, embedded=False)
        return
    # Our own worker would not start with a wrong one.
    read_log_settings()
    home = settings.database.home
    with ExitStack() as stack:
        redis = stack.enter_context(EmbeddedRedis(home))
        environment = worker_environment(settings, redis.url, archives, prepare=prepare)
        # Only Keras knows of GPUs, and no command loads it: that worker looks for itself.
        proven = settings.worker.device != "gpu"
        worker = stack.enter_context(EmbeddedWorker(home, environment, proven=proven))

        def watch() -> None:
            redis.watch()
            worker.watch()

        yield Queue(database, _application(redis.url, settings), watch, embedded=True)
    # Our own worker is gone, and did not always have the time to say so.
    with suppress(DBAPIError, KaolabelError):
        database.commit(workers.bury)


def _application(url: str, settings: Settings) -> Celery:
    """The application that publishes, once its broker has answered."""
    # It takes as long to load as a Redis and a worker take to begin.
    from worker.broker.app import check, create_app

    app = create_app(url, settings.broker)
    check(app)
    return app


def worker_environment(
    settings: Settings, broker_url: str, archives: Sequence[bytes], *, prepare: str
) -> dict[str, str]:
    """The environment of a worker of our own.

    Args:
        settings: of the command.
        broker_url: of our own Redis.
        archives: all that it may read.
        prepare: see `open_queue`.
    """
    return {
        **os.environ,
        **launch.environment(settings.worker),
        "KAOLABEL_HOME": str(settings.database.home.absolute()),
        "KAOLABEL_BROKER_URL": broker_url,
        "KAOLABEL_ARCHIVE_ROOTS": join_folders(archives),
        "KAOLABEL_PREPARE": prepare,
        "PYTHONUNBUFFERED": "1",
    }
