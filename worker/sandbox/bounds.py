"""What the kernel lets a decoder process use up."""

from __future__ import annotations

import math
import resource
from pathlib import Path

# Three pipes are open already; the rest is for what a kernel without seccomp lets libraries open.
_FILES = 16


def bound(memory: int) -> None:
    """Set the bounds that last as long as the process.

    Args:
        memory: bytes of address space on top of what the loaded libraries take.
    """
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _lower(resource.RLIMIT_AS, used + memory)
    _lower(resource.RLIMIT_NOFILE, _FILES)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_CORE, 0)


def grant_seconds(seconds: float) -> None:
    """Have the kernel end the process by SIGXCPU once it computed for that long from now.

    The worker kills it at the same time by the clock; this also holds while the worker is stopped.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = math.ceil(used.ru_utime + used.ru_stime + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (_within(hard, soft), hard))


def _lower(which: int, limit: int) -> None:
    _, hard = resource.getrlimit(which)
    resource.setrlimit(which, (_within(hard, limit),) * 2)


def _within(hard: int, limit: int) -> int:
    return limit if hard == resource.RLIM_INFINITY else min(limit, hard)
