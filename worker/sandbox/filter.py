"""The system calls that a decoder has left, as a program for the kernel's packet filter.

A list of what is allowed, not of what is denied: what a newer kernel adds is denied by itself.
Numbers are from the kernel's arch/x86/entry/syscalls/syscall_64.tbl and
include/uapi/asm-generic/unistd.h, instructions from include/uapi/linux/{bpf_common,seccomp}.h.
"""

from __future__ import annotations

import errno
import mmap
import platform
import resource
import struct
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Machine:
    """How an architecture names itself and its system calls.

    Attributes:
        audit: its AUDIT_ARCH word.
        column: where its numbers stand in the table of calls.
    """

    audit: int
    column: int


_MACHINES = {"x86_64": Machine(0xC000003E, 0), "aarch64": Machine(0xC00000B7, 1)}

SECCOMP = (317, 277)

# Pipes that are open, memory, threads, clocks, signals to itself, and the end.
_ALLOWED = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "munmap": (11, 215),
    "brk": (12, 214),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    "futex": (202, 98),
    "membarrier": (324, 283),
    "rseq": (334, 293),
    "set_robust_list": (273, 99),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getrandom": (318, 278),
    "getrusage": (98, 165),
    "gettimeofday": (96, 169),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "nanosleep": (35, 101),
    "clock_nanosleep": (230, 115),
    "exit": (60, 93),
    "exit_group": (231, 94),
}
_MMAP, _MPROTECT, _CLONE, _CLONE3 = (9, 222), (10, 226), (56, 220), (435, 435)
_TGKILL, _PRLIMIT = (234, 131), (302, 261)

_CLONE_THREAD = 0x00010000

# struct seccomp_data: the call's number, the architecture, 8 bytes for the caller, 6 arguments.
_NUMBER_AT, _MACHINE_AT, _ARGUMENTS_AT = 0, 4, 16

_LOAD, _RETURN = 0x20, 0x06
_JUMP_IF_EQUAL, _JUMP_IF_ANY_BIT = 0x15, 0x45
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000

_INSTRUCTION = struct.Struct("<HBBI")


def this_machine() -> Machine | None:
    """The architecture that runs this process; None if its calls are not known here."""
    # A 32-bit Python on a 64-bit kernel makes other calls than its machine's name says.
    return _MACHINES.get(platform.machine()) if struct.calcsize("P") == 8 else None  # noqa: PLR2004


def program(machine: Machine, *, pid: int) -> bytes:
    """The filter as an array of `struct sock_filter`.

    Calls that are not allowed fail with EPERM, so that a library carries on without them; those of
    another architecture, which only hostile code makes, end the process.

    Args:
        machine: for which it is.
        pid: of the process that it is for, which may signal its own threads alone.
    """
    column = machine.column
    lines = [
        _load(_MACHINE_AT),
        _jump(_JUMP_IF_EQUAL, machine.audit, skip=1),
        _return(_KILL),
        _load(_NUMBER_AT),
    ]
    for numbers in _ALLOWED.values():
        lines += [_jump_unless_equal(numbers[column], skip=1), _return(_ALLOW)]
    lines += _when(_MMAP[column], _unless_bits(2, mmap.PROT_EXEC))
    lines += _when(_MPROTECT[column], _unless_bits(2, mmap.PROT_EXEC))
    lines += _when(_CLONE[column], _if_bits(0, _CLONE_THREAD))
    lines += _when(_TGKILL[column], _if_equal(0, pid))
    lines += _when(_PRLIMIT[column], [*_or_deny(0, 0), *_if_equal(1, resource.RLIMIT_CPU)])
    # Its flags lie in memory, where no filter can read them; libraries then fall back on clone.
    lines += _when(_CLONE3[column], [_return(_ERRNO | errno.ENOSYS)])
    return b"".join([*lines, _return(_ERRNO | errno.EPERM)])


def _when(number: int, lines: list[bytes]) -> list[bytes]:
    """Run the lines, which must end in a verdict, for that call alone."""
    return [_jump_unless_equal(number, skip=len(lines)), *lines]


def _if_equal(argument: int, value: int) -> list[bytes]:
    return [*_or_deny(argument, value), _return(_ALLOW)]


def _or_deny(argument: int, value: int) -> list[bytes]:
    """Deny the call unless an argument has a value."""
    test = _jump(_JUMP_IF_EQUAL, value, skip=1)
    return [_load_argument(argument), test, _return(_ERRNO | errno.EPERM)]


def _if_bits(argument: int, bits: int) -> list[bytes]:
    test = _jump(_JUMP_IF_ANY_BIT, bits, skip=1)
    return [_load_argument(argument), test, _return(_ERRNO | errno.EPERM), _return(_ALLOW)]


def _unless_bits(argument: int, bits: int) -> list[bytes]:
    test = _jump(_JUMP_IF_ANY_BIT, bits, skip=1)
    return [_load_argument(argument), test, _return(_ALLOW), _return(_ERRNO | errno.EPERM)]


def _load_argument(argument: int) -> bytes:
    # The lower half, on these little-endian machines; all that is tested here fits into it.
    return _load(_ARGUMENTS_AT + 8 * argument)


def _load(offset: int) -> bytes:
    return _INSTRUCTION.pack(_LOAD, 0, 0, offset)


def _jump(test: int, value: int, *, skip: int) -> bytes:
    return _INSTRUCTION.pack(test, skip, 0, value)


def _jump_unless_equal(value: int, *, skip: int) -> bytes:
    return _INSTRUCTION.pack(_JUMP_IF_EQUAL, 0, skip, value)


def _return(verdict: int) -> bytes:
    return _INSTRUCTION.pack(_RETURN, 0, 0, verdict)
