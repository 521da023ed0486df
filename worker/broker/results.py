"""Results of tasks in the broker's Redis: told where possible, and never waited for long."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from celery import states
from celery.backends.redis import RedisBackend
from celery.exceptions import BackendError
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from worker.broker.url import SOCKET

if TYPE_CHECKING:
    from celery import Celery

logger = logging.getLogger(__name__)

_AWAY = (BackendError, OperationalError, RedisError, OSError)

# Seconds for which what came of a task is told again and again; how far it is, is told once.
_PATIENCE = 20.0
_PAUSE = 1.0
_WORTH_A_WAIT = {states.SUCCESS, states.FAILURE}

# Results are for watchers, who look soon.
_EXPIRES = 24 * 3600


def configure(app: Celery) -> None:
    """Have an application keep results in its broker's Redis, for a day."""
    # A pool's processes get the name as well; within a URL, Celery would show the password.
    app.backend_cls = f"{__name__}:{Results.__name__}"
    app.conf.update(
        result_expires=_EXPIRES,
        # By themselves two minutes, for which a process would hang on a host that is gone.
        redis_socket_timeout=5.0,
        redis_socket_connect_timeout=5.0,
        # A socket of this machine has no such option, and redis-py refuses it there.
        redis_socket_keepalive=not app.conf.broker_url.startswith(SOCKET),
        redis_backend_health_check_interval=25,
    )


class Results(RedisBackend):  # type: ignore[misc]  # celery ships no types
    """Celery's store of results in Redis, but for work that must not depend on it.

    The ledger knows what was done. A Redis that is away costs watchers a result, and a task that
    did its work is not taken for a failed one.

    Args:
        app: the application, whose `broker_url` says where.
    """

    def __init__(self, *, app: Celery, **options: Any) -> None:
        # Celery's name of a socket's scheme is shorter here than for brokers.
        url = app.conf.broker_url.removeprefix("redis+")
        super().__init__(app=app, **{**options, "url": url})

    def store_result(
        self,
        task_id: str,
        result: Any,
        state: str,
        traceback: Any = None,
        request: Any = None,
        **options: Any,
    ) -> Any:
        """Store the state of a task, if that can be done within a few seconds."""
        until = time.monotonic() + (_PATIENCE if state in _WORTH_A_WAIT else 0.0)
        while True:
            try:
                return super().store_result(task_id, result, state, traceback, request, **options)
            except _AWAY as error:
                if time.monotonic() > until:
                    logger.warning("task %s: %s not told: %s", task_id, state, error)
                    return result
            time.sleep(_PAUSE)

    def on_task_call(self, producer: Any, task_id: str) -> None:
        """Listen for no result yet; whoever asks for one begins to do so then.

        Celery's own store subscribes to the result of each task that it sends.
        """

    def known_state(self, task_id: str) -> str:
        """The state of a task as far as it is known here and now."""
        try:
            return str(self.get_state(task_id))
        except _AWAY as error:
            logger.warning("task %s: its state is not known: %s", task_id, error)
            return str(states.PENDING)
