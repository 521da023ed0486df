"""Runs a command that must not outlive the process that asked for it.

`python -m worker.broker.tether PARENT_PID SIGNAL COMMAND…` has the kernel send SIGNAL to the
command when its parent dies, however it dies, and then becomes the command. A `preexec_fn` would
do the same, but may deadlock where the parent has threads.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal as signals
import subprocess
import sys
import time

_PR_SET_PDEATHSIG = 1  # linux/prctl.h

# Seconds between two looks whether a group is gone.
_TICK = 0.01


def command(arguments: list[str], *, signal: int) -> list[str]:
    """The command line that runs `arguments` tethered to the calling process.

    The calling thread must be the main thread: the kernel counts a thread's end as the parent's.
    """
    return [sys.executable, "-m", __name__, str(os.getpid()), str(int(signal)), *arguments]


def stop(process: subprocess.Popen[bytes], *, patience: float) -> None:
    """Ask a child to end; kill its whole group when it takes longer than `patience` seconds."""
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signals.SIGKILL)
        process.wait()


def end(process: subprocess.Popen[bytes], *, patience: float) -> None:
    """Kill a child that has nothing left to do, and then what is left of its group.

    What it started and tied to itself is told of its death, and has `patience` seconds to free what
    the system would keep, such as the names of semaphores.
    """
    process.kill()
    process.wait()
    deadline = time.monotonic() + patience
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(process.pid, 0)
            time.sleep(_TICK)
        os.killpg(process.pid, signals.SIGKILL)


def main(parent: int, signal: int, arguments: list[str]) -> None:
    """Tie this process to its parent and become the command."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal)
    # The parent may have died before the kernel was asked.
    if os.getppid() != parent:
        sys.exit(1)
    os.execv(arguments[0], arguments)  # noqa: S606  # no shell is wanted


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
