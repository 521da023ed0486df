"""What a confined process can still do, and what it cannot."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import psutil  # type: ignore[import-untyped]  # ships no types
import pytest

from db.records import Outcome
from tests.drawing import face_png
from tests.fuzz.starts import starts
from worker.sandbox.decoder import Decoder
from worker.sandbox.filter import this_machine
from worker.sandbox.wire import pack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.sandbox.limits import Order

ROOT = Path(__file__).parents[4]
HOOKS = ROOT / "tests" / "faults" / "hooks"

KERNEL_FILTERS = "Seccomp:" in Path("/proc/self/status").read_text() and this_machine() is not None

pytestmark = pytest.mark.skipif(not KERNEL_FILTERS, reason="needs a kernel with seccomp filters")

by_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root may look into a process that is not dumpable"
)

# Prints how each attempt ends: with the name of its error, or `done`.
INMATE = """
import ctypes, errno, json, mmap, os, resource, signal, socket, subprocess, sys
import threading, time
from worker.sandbox import filter
from worker.sandbox.confine import confine

libc = ctypes.CDLL(None, use_errno=True)
other, own_file = int(sys.argv[1]), sys.argv[2]
descriptor = os.open(own_file, os.O_RDONLY)
room = mmap.mmap(-1, mmap.PAGESIZE)
page = ctypes.addressof(ctypes.c_char.from_buffer(room))

def call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)

def attempt(action):
    try:
        action()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"

def thread():
    one = threading.Thread(target=time.sleep, args=(0.01,))
    one.start()
    one.join()

def bound(limit, value):
    call("setrlimit", limit, (ctypes.c_ulong * 2)(value, ctypes.c_ulong(-1).value))

ATTEMPTS = {
    "tcp": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
    "udp": lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM),
    "unix": lambda: socket.socket(socket.AF_UNIX),
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "socketpair": socket.socketpair,
    "read a file": lambda: os.open(own_file, os.O_RDONLY),
    "write a file": lambda: os.open(own_file, os.O_WRONLY),
    "make a file": lambda: os.open(own_file + ".new", os.O_WRONLY | os.O_CREAT),
    "read what the kernel tells": lambda: os.open("/proc/self/environ", os.O_RDONLY),
    "read an open file": lambda: os.pread(descriptor, 1, 0),
    "list": lambda: os.listdir("/"),
    "stat": lambda: os.stat("/"),
    "readlink": lambda: os.readlink("/proc/self/exe"),
    "rename": lambda: os.rename(own_file, own_file + ".new"),
    "unlink": lambda: os.unlink(own_file),
    "link": lambda: os.link(own_file, own_file + ".new"),
    "symlink": lambda: os.symlink(own_file, own_file + ".new"),
    "mkdir": lambda: os.mkdir(own_file + ".new"),
    "chmod": lambda: os.chmod(own_file, 0o777),
    "chown": lambda: os.chown(own_file, 0, 0),
    "truncate": lambda: os.truncate(own_file, 0),
    "chdir": lambda: os.chdir("/"),
    "chroot": lambda: os.chroot("/"),
    "mount": lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None),
    "unshare": lambda: call("unshare", 0x10000000),
    "memory file": lambda: os.memfd_create("code"),
    "pipe": os.pipe,
    "duplicate": lambda: os.dup(1),
    "fork": os.fork,
    "spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "run": lambda: subprocess.run(["/bin/true"]),
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "signal another": lambda: os.kill(other, signal.SIGURG),
    "ask for another": lambda: os.kill(other, 0),
    "signal a thread of another": lambda: call("tgkill", other, other, 0),
    "ptrace": lambda: call("ptrace", 16, other, None, None),
    "read another's memory": lambda: call("process_vm_readv", other, None, 0, None, 0, 0),
    "take more memory": lambda: bound(resource.RLIMIT_AS, 1 << 40),
    "open more files": lambda: bound(resource.RLIMIT_NOFILE, 4096),
    "bind another": lambda: resource.prlimit(other, resource.RLIMIT_CPU),
    "run new code": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC),
    "make data code": lambda: call("mprotect", ctypes.c_void_p(page), 4096, 5),
    "be dumped": lambda: call("prctl", 4, 1, 0, 0, 0),
    "io_uring": lambda: call("syscall", 425, 8, None),
    "bpf": lambda: call("syscall", {"x86_64": 321, "aarch64": 280}[machine], 0, None, 0),
    "be less confined": lambda: call("prctl", 22, 0, 0, 0, 0),
}
STILL = {
    "threads": thread,
    "memory": lambda: bytearray(1 << 26),
    "sleep": lambda: time.sleep(0.001),
    "chance": lambda: os.urandom(16),
    "time of its own": lambda: bound(resource.RLIMIT_CPU, 1000),
    "signal itself": lambda: signal.raise_signal(signal.SIGURG),
    "write": lambda: sys.stderr.write(""),
}
machine = os.uname().machine
confined = confine()
ends = {name: attempt(action) for name, action in ATTEMPTS.items()}
still = {name: attempt(action) for name, action in STILL.items()}
print(json.dumps({"confined": confined, "again": confine(), "ends": ends, "still": still}))
"""


@pytest.fixture(scope="module")
def inmate(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What became of a confined process's attempts."""
    own = tmp_path_factory.mktemp("inmate") / "own.txt"
    own.write_text("untouched")
    arguments = [sys.executable, "-c", INMATE, str(os.getpid()), str(own)]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert own.read_text() == "untouched"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_what_decoding_does_not_need_is_denied(inmate: dict[str, Any]) -> None:
    """No file, no network, no process, no new code: every attempt ends with EPERM."""
    assert inmate["confined"]
    assert {name: end for name, end in inmate["ends"].items() if end != "EPERM"} == {}


def test_what_decoding_needs_goes_on(inmate: dict[str, Any]) -> None:
    """Threads, memory, clocks, chance and open pipes are left."""
    assert set(inmate["still"].values()) == {"done"}


def test_where_the_kernel_refuses_it_is_told(inmate: dict[str, Any]) -> None:
    """A process that the kernel gives no filter says so, instead of failing."""
    assert inmate["again"] is False


def test_a_decoder_is_confined(order: Order) -> None:
    """Before a decoder gets its first image, the kernel filters its calls for good."""
    decoder = Decoder(order)
    status = Path(f"/proc/{decoder.pid}/status").read_text()
    decoder.close()
    assert decoder.confined
    assert "Seccomp:\t2" in status
    assert "NoNewPrivs:\t1" in status


@by_root
def test_a_decoder_has_nothing_open_but_its_pipes(order: Order) -> None:
    """A confined decoder has no descriptor through which it could reach anything."""
    decoder = Decoder(order)
    folder = Path(f"/proc/{decoder.pid}/fd")
    opened = {str(link.readlink()).partition(":")[0] for link in folder.iterdir()}
    decoder.close()
    assert opened == {"pipe", "/dev/null"}


@pytest.fixture
def unconfined(order: Order, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Decoder]:
    """A decoder on a kernel without filters."""
    (tmp_path / "hooks.json").write_text('{"no_seccomp": {}}')
    with monkeypatch.context() as patched:
        patched.setenv("TMPDIR", str(tmp_path))
        patched.setenv("PYTHONPATH", os.pathsep.join([str(HOOKS), str(ROOT)]))
        decoder = Decoder(order)
    yield decoder
    decoder.close()


def test_a_decoder_works_where_the_kernel_has_no_filters(unconfined: Decoder) -> None:
    """Without seccomp, images are decoded as ever, and the decoder says that it is not confined."""
    report = unconfined.examine(face_png())
    limit = psutil.Process(unconfined.pid).rlimit(psutil.RLIMIT_FSIZE)
    assert not unconfined.confined
    assert report.outcome == Outcome.FACES
    assert limit == (0, 0)


def test_confinement_changes_no_result(order: Order, unconfined: Decoder) -> None:
    """Files of every format and of most of its options give the same report either way."""
    files = list(starts())
    confined = Decoder(order)
    reports = [_packed(confined, data) for data in files]
    confined.close()
    assert (confined.confined, unconfined.confined) == (True, False)
    assert len(files) > 40
    assert reports == [_packed(unconfined, data) for data in files]


def _packed(decoder: Decoder, data: bytes) -> tuple[bytes, bytes]:
    """A report to the byte, but for the time that it took."""
    return pack(dataclasses.replace(decoder.examine(data), seconds={}))


def test_codecs_with_threads_work_confined(order: Order) -> None:
    """A large AVIF, whose codec decodes with threads of its own, is read."""
    pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    large = cv2.resize(pixels, (1600, 1200), interpolation=cv2.INTER_LINEAR)
    data = cv2.imencode(".avif", large, (cv2.IMWRITE_AVIF_SPEED, 10))[1].tobytes()
    decoder = Decoder(order)
    report = decoder.examine(data)
    decoder.close()
    assert (report.width, report.height, report.format) == (1600, 1200, "AVIF")


def test_a_process_that_computes_too_long_is_ended() -> None:
    """The kernel ends a process by SIGXCPU when it has used up the seconds granted to it."""
    script = "from worker.sandbox import bounds\nbounds.grant_seconds(0.1)\nwhile True:\n    pass\n"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGXCPU
