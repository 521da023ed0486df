"""A cluster of real parts: Redis, a database, workers, and a supervisor that restarts them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, Self

import psutil  # type: ignore[import-untyped]  # psutil ships no types
from sqlalchemy import text

from db.engine import Database
from tests.faults.hooks.fuse import SUFFIX
from tests.faults.labelling import Labelling
from tests.faults.proxy import Proxy
from tests.faults.services import ROOT, Child, RedisServer, Service, Worker

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.services import PostgresServer

HOOKS = ROOT / "tests" / "faults" / "hooks"

_TICK = 0.1


class Cluster:
    """Redis, a database and workers as `kaolabel` processes, with a supervisor that restarts them.

    Use it as a context manager; at its end, no process may be left behind.

    Args:
        folder: for everything that the cluster keeps.
        database_url: of a database at the newest revision.
        workers: how many, of `decoders` decoders each.
        postgres: the server of `database_url`, where the test wants to disturb it.
        proxied: whether `kaolabel` reaches Redis and PostgreSQL through proxies.
        hooks: test hooks for every Python process, with their arguments; see `hooks`.
        redis_options: more options of `redis-server`.
        settings: more environment variables, such as KAOLABEL_DECODER_SECONDS.

    Attributes:
        database: the ledger, past any proxy.
        redis: the broker.
        workers: the workers.
        broker_proxy: between `kaolabel` and Redis, where `proxied`.
        database_proxy: between `kaolabel` and PostgreSQL, where `proxied`.
    """

    def __init__(
        self,
        folder: Path,
        database_url: str,
        *,
        workers: int = 1,
        decoders: int = 2,
        postgres: PostgresServer | None = None,
        proxied: bool = False,
        hooks: dict[str, dict[str, Any]] | None = None,
        redis_options: tuple[str, ...] = (),
        **settings: str,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.home = folder / "home"
        self.postgres = postgres
        self.database = Database(database_url, patience=60.0)
        self.redis = RedisServer(folder / "redis", *redis_options)
        self.broker_proxy = Proxy(self.redis.connect) if proxied else None
        self.database_proxy = None
        if proxied and postgres is not None:
            self.database_proxy = Proxy(postgres.connect)
        self.environment = self._environment(hooks or {}, {"KAOLABEL_DECODERS": str(decoders)})
        self.environment |= settings
        self.workers = [
            Worker(self.environment, folder / f"worker-{number}.log") for number in range(workers)
        ]
        self.supervised: list[Service] = [self.redis, *self.workers]
        if postgres is not None:
            self.supervised.insert(0, postgres)
        self.supervising = True
        self._commands: list[Child] = []
        self._stack = contextlib.ExitStack()
        self._ended = threading.Event()

    @property
    def proxies(self) -> list[Proxy]:
        """The proxies that there are."""
        return [proxy for proxy in (self.broker_proxy, self.database_proxy) if proxy is not None]

    def __enter__(self) -> Self:
        # A shell's background job ignores Ctrl-C, and so would the commands that it is sent to.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for proxy in self.proxies:
            self._stack.enter_context(proxy)
        for service in (self.redis, *self.workers):
            service.start()
        supervisor = threading.Thread(target=self._supervise, name="supervisor", daemon=True)
        supervisor.start()
        self._stack.callback(supervisor.join)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_exception: object) -> None:
        self._ended.set()
        self._stack.close()
        # After a failure a command may go on; one that outlives its run is a failure itself.
        commands = [] if kind is None else self._commands
        for service in (*self.workers, *commands):
            service.stop()
        self.redis.stop()
        self.database.close()
        _, left = psutil.wait_procs(self.processes(), timeout=20)
        for one in left:
            one.kill()
        assert not left, f"left behind: {left}"

    def command(self, *arguments: str) -> Child:
        """A `kaolabel` command in this cluster, not started yet; its log gets all it prints."""
        command = [sys.executable, "-m", "kaolabel", *arguments]
        child = Child(command, self.environment, self.folder / f"{arguments[0]}.log")
        self._commands.append(child)
        return child

    def label(self, archive: Path, *options: str) -> Labelling:
        """Start to label an archive with the real command, detecting faces only."""
        return Labelling(self, archive, *options)

    def processes(self) -> list[psutil.Process]:
        """Every living process of this cluster, orphans included, but for the servers."""
        mark = str(self.folder / "tmp")
        found = []
        for one in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if one.environ().get("TMPDIR") == mark and one.status() != psutil.STATUS_ZOMBIE:
                    found.append(one)
        return found

    def value(self, query: str, **values: Any) -> Any:
        """The one value that a query gives; waits for a database that is away."""
        return self.database.commit(lambda c: c.execute(text(query), values).scalar_one())

    @property
    def fired(self) -> int:
        """How many faults hooks have made happen; see `hooks.fuse`."""
        return len(list((self.folder / "tmp").glob(f"*{SUFFIX}")))

    def logs(self) -> str:
        """The end of every log, for the message of a failed test."""
        files = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {file.name}\n{file.read_text()[-3000:]}" for file in files)

    def _environment(
        self, hooks: dict[str, dict[str, Any]], settings: dict[str, str]
    ) -> dict[str, str]:
        """The environment of every process; TMPDIR marks them and names their hooks."""
        scrubbed = {k: v for k, v in os.environ.items() if not k.startswith("KAOLABEL_")}
        mark = self.folder / "tmp"
        mark.mkdir()
        (mark / "hooks.json").write_text(json.dumps(hooks))
        broker_port = self.broker_proxy.port if self.broker_proxy else self.redis.port
        return {
            **scrubbed,
            "PYTHONPATH": os.pathsep.join([str(HOOKS), str(ROOT)]),
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": str(mark),
            "KAOLABEL_HOME": str(self.home),
            "KAOLABEL_BROKER_URL": f"redis://127.0.0.1:{broker_port}/0",
            "KAOLABEL_DATABASE_URL": self._database_url(),
            **settings,
        }

    def _database_url(self) -> str:
        url = self.database.url
        if self.database_proxy is not None:
            url = url.set(host="127.0.0.1", port=self.database_proxy.port, query={})
        return url.render_as_string(hide_password=False)

    def _supervise(self) -> None:
        while not self._ended.wait(_TICK):
            for service in self.supervised:
                if self.supervising and service.wanted and not service.alive:
                    # A server may die again while it starts: the next round tries again.
                    with contextlib.suppress(Exception):
                        service.start()
