"""Takes away from this process what decoding does not need: network, files, other processes.

Nothing of this can be undone, also not by code that hostile bytes bring along.
"""

from __future__ import annotations

import ctypes
import os
import signal

from worker.sandbox import filter as calls

# linux/prctl.h and linux/seccomp.h
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_TSYNC = 1, 1

_INSTRUCTION_BYTES = 8


class _Program(ctypes.Structure):
    """The kernel's `struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def end_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends, however it ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def confine() -> bool:
    """Leave this process memory, threads and the pipes that it has open; nothing else.

    From here on it can open, change or look for no file, make no socket and no process, signal or
    inspect no other process, and get no executable memory: such calls fail with EPERM. Whatever it
    will ever import must have been imported before.

    Returns:
        Whether it is so. False where the kernel offers no seccomp filters, or the machine is none
        that they are known for.
    """
    _prctl(_PR_SET_DUMPABLE, 0)
    machine = calls.this_machine()
    if machine is None:
        return False
    return _install(machine, calls.program(machine, pid=os.getpid()))


def _install(machine: calls.Machine, code: bytes) -> bool:
    # Without this the kernel takes a filter from root alone.
    if not _prctl(_PR_SET_NO_NEW_PRIVS, 1):
        return False
    program = _Program(len(code) // _INSTRUCTION_BYTES, code)
    # The plain way, prctl, would leave the threads of libraries out.
    return not _libc().syscall(
        ctypes.c_long(calls.SECCOMP[machine.column]),
        ctypes.c_long(_SECCOMP_SET_MODE_FILTER),
        ctypes.c_long(_SECCOMP_FILTER_FLAG_TSYNC),
        ctypes.byref(program),
    )


def _prctl(option: int, value: int) -> bool:
    rest = (ctypes.c_ulong(0),) * 3
    return not _libc().prctl(ctypes.c_int(option), ctypes.c_ulong(value), *rest)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
