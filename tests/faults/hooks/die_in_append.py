"""Kills a worker that has taken a message from Redis and not yet noted it as unacknowledged."""

from __future__ import annotations

import os
import signal
from typing import Any

from tests.faults.hooks.fuse import burn
from tests.faults.hooks.late import when_imported


def install(*, times: int) -> None:
    """Die so many times, in the moment in which Redis knows nothing of the message."""

    def change(transport: Any) -> None:
        append = transport.QoS.append

        def dying(self: Any, message: Any, delivery_tag: str) -> None:
            if burn("die_in_append", times=times):
                os.kill(os.getpid(), signal.SIGKILL)
            append(self, message, delivery_tag)

        transport.QoS.append = dying

    when_imported("kombu.transport.redis", change)
