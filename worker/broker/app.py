"""The Celery application: one place for every setting that keeps messages from being lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import Celery
from kombu import Queue
from kombu.exceptions import OperationalError
from redis.exceptions import AuthenticationError, RedisError

from db.errors import UnavailableError
from worker.broker.messages import LABEL_QUEUE, TRAIN_QUEUE
from worker.broker.tls import tls_options
from worker.broker.url import mask, require_redis

if TYPE_CHECKING:
    from worker.broker.settings import BrokerSettings

# Redis hands a message to a second worker when the first is silent for longer than this many
# times the hard limit of a task.
_VISIBILITY_FACTOR = 3

# Loaded as the tasks are: by workers, their processes and the clock, but by no producer.
_LOGS = "worker.broker.logs"


def create_app(
    broker_url: str,
    settings: BrokerSettings,
    *,
    queue: str = LABEL_QUEUE,
    tasks: str = "worker.tasks",
    results: bool = False,
) -> Celery:
    """A Celery application on a Redis broker; connects on first use.

    Args:
        broker_url: where the messages go.
        settings: of the broker.
        queue: the one that its workers serve.
        tasks: the module of the tasks that its workers know.
        results: whether the results of tasks that keep one go to the broker's Redis, for a while.

    Raises:
        UsageError: for a URL that cannot be read, or is not Redis's, and for files of TLS that
            cannot be used.
    """
    tls = tls_options(require_redis(broker_url), settings)
    app = Celery("kaolabel", broker=broker_url, set_as_current=False, include=[tasks, _LOGS])
    app.conf.update(_configuration(settings, queue))
    if results:
        # Producers do without, and start sooner.
        from worker.broker.results import configure

        configure(app)
    if tls is not None:
        app.conf.update(broker_use_ssl=tls, redis_backend_use_ssl=tls)
    return app


def check(app: Celery) -> None:
    """Prove that the broker answers.

    Raises:
        UnavailableError: with the masked URL and the reason.
    """
    try:
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=0, timeout=5)
    except (OperationalError, RedisError, OSError) as error:
        url = mask(app.conf.broker_url)
        raise UnavailableError(
            f"the broker {url} does not answer: {_reason(error)}; {_remedy(error, app)}"
        ) from error


def waiting_messages(app: Celery) -> int:
    """How many messages wait in the labelling queue."""
    with app.connection_for_read() as connection, connection.channel() as channel:
        return int(channel._size(LABEL_QUEUE))  # noqa: SLF001  # kombu counts in no public way


def _remedy(error: Exception, app: Celery) -> str:
    if isinstance(error.__cause__, AuthenticationError):
        return "check the user and the password in KAOLABEL_BROKER_URL"
    if app.conf.broker_use_ssl:
        return "start Redis there, with TLS, or check KAOLABEL_BROKER_CA, _CERT and _KEY"
    return (
        "start Redis there, or check KAOLABEL_BROKER_URL (without it, `kaolabel label` runs a Redis"
        " of its own)"
    )


def _reason(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _configuration(settings: BrokerSettings, queue: str) -> dict[str, Any]:
    visibility_timeout = _VISIBILITY_FACTOR * settings.task_time_limit
    transport = {
        "visibility_timeout": visibility_timeout,
        # Messages of a dead worker come back after seconds, not after minutes.
        "unacked_restore_interval": settings.restore_interval,
        "unacked_restore_throttle": 1,
        # Without a timeout a publish to a dead socket hangs for ever. A worker whose connections
        # are all dead waits for one after the other: with 30 seconds it is back after 150.
        "socket_timeout": 10,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 25,
    }
    return {
        "task_queues": [Queue(queue)],
        "task_default_queue": queue,
        # Wherever a training is asked for, labelling workers do not get it.
        "task_routes": {f"{TRAIN_QUEUE}*": {"queue": TRAIN_QUEUE}},
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        # The ledger counts attempts and retries; Celery only has to keep a message until the
        # worker is done with it, and to drop it then, whatever came of it.
        "task_acks_late": True,
        "task_reject_on_worker_lost": False,
        "task_retry_on_worker_lost": False,
        "task_acks_on_failure": True,
        "task_acks_on_timeout": True,
        "task_soft_time_limit": settings.task_time_limit * 4 // 5,
        "task_time_limit": settings.task_time_limit,
        "task_send_sent_event": True,
        "worker_send_task_events": True,
        # TensorFlow hangs in a forked child; billiard's spawn starts a clean one.
        "worker_pool": "prefork",
        "worker_pool_start_method": "spawn",
        "worker_concurrency": 1,
        "worker_prefetch_multiplier": 1,
        "worker_max_tasks_per_child": 2000,
        "worker_proc_alive_timeout": 60,
        "worker_soft_shutdown_timeout": 30,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_redirect_stdouts": False,
        "broker_connection_retry": True,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": transport,
        "visibility_timeout": visibility_timeout,
    }
