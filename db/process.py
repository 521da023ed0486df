"""Names of processes, and whether the one of a name is known to be dead."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

# The PID namespace in which a machine starts; containers have others (Linux, proc_ns.h).
_FIRST_NAMESPACE = 0xEFFFFFFC


def this_process() -> str:
    """The name of this process: HOST:PID."""
    return process_of(os.getpid())


def process_of(number: int) -> str:
    """The name of a process of this host."""
    return f"{_host()}:{number}"


def parent_process() -> str:
    """The name of the process that started this one."""
    return process_of(os.getppid())


def is_dead(name: str) -> bool:
    """Whether a process of this host has that number no more; of other hosts nothing is known.

    Args:
        name: as `this_process` gave it.
    """
    host, _, number = name.rpartition(":")
    if host != _host() or not number.isdigit():
        return False
    with suppress(PermissionError):
        try:
            os.kill(int(number), 0)
        except ProcessLookupError:
            return True
    return False


def _host() -> str:
    """The host, told apart from containers that share its name but number their own processes."""
    try:
        namespace = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        namespace = _FIRST_NAMESPACE
    name = socket.gethostname()
    return name if namespace == _FIRST_NAMESPACE else f"{name}/{namespace}"
