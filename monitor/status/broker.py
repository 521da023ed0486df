"""What the broker says to `kaolabel status`, or that it says nothing."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from db.errors import KaolabelError
from worker.background import Background
from worker.broker.messages import LABEL_QUEUE, TRAIN_QUEUE
from worker.broker.tls import tls_options
from worker.broker.url import SOCKET, mask, require_redis

if TYPE_CHECKING:
    from redis import Redis

    from worker.broker.settings import BrokerSettings

# Seconds for connecting, and for an answer; and for all of it, a name server included.
_ANSWER = 2.0
_PATIENCE = 3.0
_TICK = 0.01

_LOST = {"answers": False, "waiting": None, "waiting_trainings": None}


class Look:
    """Asks the broker in the background what waits there; it never fails, nor takes long.

    Args:
        settings: name the broker.
    """

    def __init__(self, settings: BrokerSettings) -> None:
        url = settings.require_url("there is no broker to look at: set KAOLABEL_BROKER_URL")
        self._url = url
        self._until = time.monotonic() + _PATIENCE
        self._asked = Background(partial(_ask, url, settings), name="broker")

    def answer(self) -> dict[str, Any]:
        """What the broker says, once it does.

        Returns:
            url: without the password; None where it cannot be read.
            answers: whether it did, within some seconds.
            waiting, waiting_trainings: messages that no worker, or trainer, has taken yet.
            error: why it does not answer, else None.
        """
        while not self._asked.done and time.monotonic() < self._until:
            time.sleep(_TICK)
        if not self._asked.done:
            return _LOST | {"url": _shown(self._url), "error": f"silent for {_PATIENCE:.0f} s"}
        return self._asked.result()


def _ask(url: str, settings: BrokerSettings) -> dict[str, Any]:
    from redis.exceptions import RedisError

    try:
        with _client(url, settings) as client:
            label, train = (int(client.llen(queue)) for queue in (LABEL_QUEUE, TRAIN_QUEUE))
    except (RedisError, OSError, KaolabelError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return _LOST | {"url": _shown(url), "error": reason}
    told = {"answers": True, "waiting": label, "waiting_trainings": train}
    return told | {"url": _shown(url), "error": None}


def _client(url: str, settings: BrokerSettings) -> Redis:
    """A client that gives up soon, other than the one that messages are sent by."""
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    scheme = require_redis(url)
    options: dict[str, Any] = {
        "socket_timeout": _ANSWER,
        "socket_connect_timeout": _ANSWER,
        "retry": Retry(NoBackoff(), 0),
    }
    if scheme == SOCKET:
        parts = urlsplit(url)
        number = parse_qs(parts.query).get("virtual_host", ["0"])[0]
        return Redis(
            unix_socket_path=parts.path, db=int(number), password=parts.password, **options
        )
    return Redis.from_url(url, **options, **(tls_options(scheme, settings) or {}))


def _shown(url: str) -> str | None:
    try:
        require_redis(url)
    except KaolabelError:
        return None
    return mask(url)
