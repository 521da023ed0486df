"""The filter's verdicts on both machines, by a reading of its instructions as the kernel has it."""

from __future__ import annotations

import errno
import mmap
import resource
import struct

import pytest

from worker.sandbox.filter import Machine, program

X86_64, AARCH64 = Machine(0xC000003E, 0), Machine(0xC00000B7, 1)
PID = 4711

ALLOW, KILL = 0x7FFF0000, 0x80000000
DENY, MISSING = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS

THREAD = 0x3D0F00
ANY = 0x7F0000000000


def verdict(machine: Machine, call: int, *arguments: int, audit: int | None = None) -> int:
    """What the filter says of a system call with these arguments."""
    values = [*arguments, *[ANY] * (6 - len(arguments))]
    data = struct.pack("<IIQ6Q", call, machine.audit if audit is None else audit, 0, *values)
    code = list(struct.iter_unpack("<HBBI", program(machine, pid=PID)))
    at = accumulator = 0
    while True:
        operation, if_true, if_false, operand = code[at]
        at += 1
        match operation:
            case 0x20:
                (accumulator,) = struct.unpack_from("<I", data, operand)
            case 0x15:
                at += if_true if accumulator == operand else if_false
            case 0x45:
                at += if_true if accumulator & operand else if_false
            case 0x06:
                return int(operand)
            case _:
                pytest.fail(f"no instruction of a filter: {operation:#x}")


# Numbers on x86_64 and on aarch64; None where a machine has no such call.
@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("open", (2, None)),
        ("openat", (257, 56)),
        ("openat2", (437, 437)),
        ("stat", (4, None)),
        ("newfstatat", (262, 79)),
        ("statx", (332, 291)),
        ("socket", (41, 198)),
        ("socketpair", (53, 199)),
        ("connect", (42, 203)),
        ("execve", (59, 221)),
        ("execveat", (322, 281)),
        ("fork", (57, None)),
        ("vfork", (58, None)),
        ("kill", (62, 129)),
        ("tkill", (200, 130)),
        ("pidfd_open", (434, 434)),
        ("pidfd_send_signal", (424, 424)),
        ("ptrace", (101, 117)),
        ("process_vm_readv", (310, 270)),
        ("process_vm_writev", (311, 271)),
        ("rename", (82, None)),
        ("renameat2", (316, 276)),
        ("unlinkat", (263, 35)),
        ("fchmodat", (268, 53)),
        ("mount", (165, 40)),
        ("umount2", (166, 39)),
        ("prctl", (157, 167)),
        ("seccomp", (317, 277)),
        ("bpf", (321, 280)),
        ("io_uring_setup", (425, 425)),
        ("memfd_create", (319, 279)),
        ("unshare", (272, 97)),
        ("setns", (308, 268)),
        ("ioctl", (16, 29)),
        ("init_module", (175, 105)),
    ],
)
def test_dangerous_calls_are_denied(name: str, numbers: tuple[int | None, int | None]) -> None:
    """By their numbers, which differ between machines, calls that decoding never makes fail."""
    for machine, number in zip((X86_64, AARCH64), numbers, strict=True):
        if number is not None:
            assert verdict(machine, number) == DENY, name


@pytest.mark.parametrize(
    ("numbers", "arguments", "expected"),
    [
        ((0, 63), (0, ANY, 100), ALLOW),
        ((1, 64), (1, ANY, 100), ALLOW),
        ((231, 94), (0,), ALLOW),
        ((9, 222), (0, 4096, mmap.PROT_READ | mmap.PROT_WRITE), ALLOW),
        ((9, 222), (0, 4096, mmap.PROT_READ | mmap.PROT_EXEC), DENY),
        ((10, 226), (ANY, 4096, mmap.PROT_READ), ALLOW),
        ((10, 226), (ANY, 4096, mmap.PROT_EXEC), DENY),
        ((56, 220), (THREAD,), ALLOW),
        ((56, 220), (17,), DENY),
        ((56, 220), (0x4111,), DENY),
        ((435, 435), (ANY, 88), MISSING),
        ((234, 131), (PID, PID, 6), ALLOW),
        ((234, 131), (PID + 1, PID + 1, 9), DENY),
        ((302, 261), (0, resource.RLIMIT_CPU), ALLOW),
        ((302, 261), (0, resource.RLIMIT_AS), DENY),
        ((302, 261), (PID + 1, resource.RLIMIT_CPU), DENY),
    ],
)
def test_calls_are_judged_by_their_arguments(
    numbers: tuple[int, int], arguments: tuple[int, ...], expected: int
) -> None:
    """Threads and data are allowed, processes and code are not; limits and signals are its own."""
    for machine, number in zip((X86_64, AARCH64), numbers, strict=True):
        assert verdict(machine, number, *arguments) == expected


def test_calls_of_another_machine_end_the_process() -> None:
    """A number means another call there, so no verdict on it could be right."""
    assert verdict(X86_64, 0, audit=0x40000003) == KILL
    assert verdict(AARCH64, 63, audit=X86_64.audit) == KILL


def test_calls_of_the_x32_interface_are_denied() -> None:
    """The same calls under another number, with a bit set, are no way around the filter."""
    assert verdict(X86_64, 0x40000000 | 257) == DENY
    assert verdict(X86_64, 0x40000000) == DENY


def test_the_filter_is_no_longer_than_the_kernel_takes() -> None:
    """A program of more than 4,096 instructions would be refused."""
    for machine in (X86_64, AARCH64):
        assert len(program(machine, pid=PID)) % 8 == 0
        assert len(program(machine, pid=PID)) <= 8 * 4096
