#!/usr/bin/env python3
"""The health checks of docker-compose.yml, run in the container of what they look at.

    health.py worker    the worker of this host answers through the broker
    health.py trainer   so does its trainer
    health.py broker    the broker answers
    health.py page URL  a page answers with status 200

Ends with 0 when all is well, else with 1 and a line that says why.
"""

from __future__ import annotations

import socket
import sys
import urllib.request
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from celery import Celery

_PATIENCE = 5.0


def answers(kind: str) -> str | None:
    """What is wrong with the worker or trainer of this host.

    Celery's parent answers it from the loop in which it takes messages, also while a job goes on.
    """
    name = f"{kind}-*@{socket.gethostname()}"
    # Done with the first answer, else after all of the time.
    asked = _app().control.inspect(pattern=name, matcher="glob", timeout=_PATIENCE, limit=1)
    return None if asked.ping() else f"no {name} answers"


def broker() -> str | None:
    """What is wrong with the broker."""
    from worker.broker.app import check

    check(_app())
    return None


def _app() -> Celery:
    # Without `worker.entry`, which would load all that a worker needs.
    from worker.broker.app import create_app
    from worker.broker.settings import BrokerSettings

    settings = BrokerSettings()
    return create_app(settings.require_url("set KAOLABEL_BROKER_URL"), settings)


def page(url: str) -> str | None:
    """What is wrong with a page."""
    with urllib.request.urlopen(url, timeout=_PATIENCE):  # noqa: S310  # our own, on loopback
        return None


def main(what: str, *arguments: str) -> str | None:
    """What is wrong, if anything is."""
    try:
        if what == "page":
            return page(*arguments)
        return broker() if what == "broker" else answers(what)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is not well
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
