"""Turns a process into Flower, the page on which people watch and steer tasks."""

from __future__ import annotations

import ipaddress
import os
import secrets
import socket
import sys
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from db.errors import UsageError
from db.logs.settings import read_log_settings
from worker import terminal
from worker.broker.app import check, create_app
from worker.broker.settings import BrokerSettings

if TYPE_CHECKING:
    from monitor.flower.settings import FlowerSettings

# The application that Flower is given.
_MODULE = "monitor.flower.entry"

# Tasks that are remembered, and seconds for which workers that are gone are shown.
_MOST_TASKS = 10_000
_FAREWELL = 600

# What a list of tasks shows, so that it tells a story: which run, job and images, and what came of
# them. Flower's own choice has neither.
_COLUMNS = "name,kwargs,state,result,received,runtime,worker,uuid"


def become_flower(settings: FlowerSettings, *, address: str, port: int) -> None:
    """Check broker and port, tell the password if nobody chose one, and become Flower.

    Args:
        settings: who may use it.
        address: of the interface to listen on; empty for all.
        port: to listen on.

    Raises:
        UsageError: no broker is named, or the address cannot be listened on.
        UnavailableError: the broker does not answer.
    """
    # A wrong one is told here, and not by Flower with a traceback.
    read_log_settings()
    broker = BrokerSettings()
    url = broker.require_url(
        "Flower watches workers through their broker: set KAOLABEL_BROKER_URL (without one,"
        " `kaolabel label` has a worker of its own; `kaolabel status` tells of it)"
    )
    _require_free(address, port)
    check(create_app(url, broker))
    # Never an argument: those are for everybody on this machine to read.
    os.environ["FLOWER_BASIC_AUTH"] = f"{settings.flower_user}:{_password(settings)}"
    if not is_loopback(address):
        terminal.log().print(
            "Flower listens beyond this machine: whoever reaches it reads /metrics and /healthcheck"
            " without the password, and everything else in transit; put a proxy with TLS before it"
        )
    command = _command(address, port)
    os.execv(command[0], command)  # noqa: S606  # no shell


def _command(address: str, port: int) -> list[str]:
    options = {
        "address": address,
        "port": port,
        "max_tasks": _MOST_TASKS,
        "purge_offline_workers": _FAREWELL,
        "tasks_columns": _COLUMNS,
        # Flower runs the flowerconfig.py of the folder that it is started in, whoever put it there.
        "conf": os.devnull,
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "celery", "-A", _MODULE, "flower", *flags]


def _password(settings: FlowerSettings) -> str:
    if settings.flower_password is not None:
        return settings.flower_password.get_secret_value()
    password = secrets.token_urlsafe(16)
    terminal.log().print(
        f"log in as {settings.flower_user} with the password {password} (for this start only; set"
        " KAOLABEL_FLOWER_PASSWORD or KAOLABEL_FLOWER_PASSWORD_FILE to choose one)"
    )
    return password


def _require_free(address: str, port: int) -> None:
    """Listen for a moment, as Flower itself would end with a traceback."""
    kind, flags = socket.SOCK_STREAM, socket.AI_PASSIVE
    try:
        found = socket.getaddrinfo(address or None, port, type=kind, flags=flags)
        with ExitStack() as stack:
            for family, *_, place in found:
                # Both versions of the protocol share a port, unless told otherwise.
                stack.enter_context(socket.create_server(place, family=family))
    except OSError as error:
        raise UsageError(
            f"{address}:{port} cannot be listened on: {error.strerror or error}; choose others with"
            " --address and --port"
        ) from error


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach an address."""
    with suppress(ValueError):
        return ipaddress.ip_address(address).is_loopback
    return address == "localhost"
