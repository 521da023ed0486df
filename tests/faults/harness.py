"""A cluster of real parts, a run of the real command in it, and faults while it goes on."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Self, TypeVar

import psutil  # type: ignore[import-untyped]  # psutil ships no types
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db.engine import Database
from tests.faults import oracle
from tests.faults.hooks.fuse import SUFFIX
from tests.faults.proxy import Proxy
from tests.faults.services import ROOT, Child, RedisServer, Service, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.faults.oracle import Findings, Verdict
    from tests.faults.services import PostgresServer

T = TypeVar("T")

HOOKS = ROOT / "tests" / "faults" / "hooks"

# Seconds until a test gives up; no test is faster or slower for it.
PATIENCE = 240.0

_TICK = 0.1

# How a command ends that was killed or interrupted, or that gave up on a server.
_KILLED = {-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT}
_INTERRUPTED, _GAVE_UP = 130, 3

# How it ends while the ledger takes the one before for alive, and what it says last then.
_REFUSED, _STILL_AT_WORK = 2, "is at work in this archive right now; wait for it, or stop it"

# Between two starts of the command.
_RESTART_SECONDS = 3.0


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


class Labelling:
    """One run of an archive; its command is started again, by `resume`, as often as it dies.

    Attributes:
        command: the command that runs right now.
        recovery: the longest time in seconds from a fault to the next finished image.
        faults: how many there were.
        kinds: how many of each kind, where kinds were named.
        deaths: how often the command was started again.
    """

    def __init__(self, cluster: Cluster, archive: Path, *options: str) -> None:
        self.cluster = cluster
        self.archive = archive
        self.recovery = 0.0
        self.faults = 0
        self.kinds: Counter[str] = Counter()
        self.deaths = 0
        self._options = options or ("--detect-only",)
        self._since: tuple[float, int] | None = None
        self._run: int | None = None
        before = cluster.value("SELECT coalesce(max(id), 0) FROM runs")
        self._before = int(before)
        self._launched_at = 0.0
        self.command = self._launch("label", str(archive), *self._options)

    @property
    def run(self) -> int:
        """The run's number; waits until there is one."""
        if self._run is None:
            query = "SELECT coalesce(max(id), 0) FROM runs WHERE id > :before"
            wait_for(
                lambda: self.cluster.value(query, before=self._before),
                what=f"the beginning of a run\n{self.command.log.read_text()}",
            )
            self._run = int(self.cluster.value(query, before=self._before))
        return self._run

    @property
    def done(self) -> int:
        """How many images have an outcome by now."""
        query = "SELECT count(*) FROM images WHERE run_id = :run AND NOT due"
        return int(self.cluster.value(query, run=self.run))

    @property
    def state(self) -> str:
        """What the ledger says of the run."""
        return str(self.cluster.value("SELECT state FROM runs WHERE id = :run", run=self.run))

    @property
    def driven(self) -> bool:
        """Whether the command that runs right now has taken up the run."""
        query = "SELECT state = 'active' AND heartbeat_at > :at FROM runs WHERE id = :run"
        is_at_work = self.cluster.value(query, run=self.run, at=self._launched_at)
        return bool(is_at_work) and self.command.alive

    def interrupt(self) -> None:
        """Ask the command to stop, as Ctrl-C does."""
        self.command.signal(signal.SIGINT)

    def until(self, images: int) -> None:
        """Go on until so many images have an outcome."""
        for _ in self.ticks():
            if self.done >= images:
                return

    def moments(self, times: int, rng: random.Random, *, within: float = 2.0) -> Iterator[int]:
        """So many moments spread over the run, each at random in the work that then goes on.

        Args:
            times: how many; they are numbered from zero.
            rng: says how long after a commit a moment is.
            within: seconds that this may be at most.
        """
        files = len(oracle.walk(self.archive))
        for number in range(times):
            self.until(files * number // (times + 1))
            time.sleep(rng.uniform(0.0, within))
            yield number

    def fault(self, action: Callable[[], object], *, kind: str | None = None) -> None:
        """Do something bad, and measure how long it takes until the next image is done."""
        done = self._progress()
        action()
        self.faults += 1
        if kind is not None:
            self.kinds[kind] += 1
        self._since = (time.monotonic(), done)

    def mend(self, action: Callable[[], object]) -> None:
        """Undo something bad; the time until the next image is done counts from here on."""
        self._since = None
        done = self._progress()
        action()
        self._since = (time.monotonic(), done)

    def ticks(self, *, patience: float = PATIENCE) -> Iterator[int]:
        """How many images are done, again and again until the run is finished.

        The command is started again with `resume` when it was killed.

        Args:
            patience: seconds without any progress after which the test fails.
        """
        deadline, last = time.monotonic() + patience, -1
        while not self._finished():
            done = self._progress()
            if done != last:
                deadline, last = time.monotonic() + patience, done
            assert time.monotonic() < deadline, f"no progress at {done}\n{self.cluster.logs()}"
            yield done
            time.sleep(_TICK)

    def finish(self) -> None:
        """Go on to the end."""
        for _ in self.ticks():
            pass

    def judge(self, expected: Findings) -> Verdict:
        """What the oracle says, once the run is finished."""
        return oracle.judge(self.cluster.database, self.run, self.archive, expected)

    def _finished(self) -> bool:
        code = self.command.exit_code
        if code in {None, 0}:
            return code == 0
        said = self.command.log.read_text().rstrip()
        was_early = code == _REFUSED and said.endswith(_STILL_AT_WORK)
        may_resume = was_early or code in {*_KILLED, _INTERRUPTED, _GAVE_UP}
        assert may_resume, f"exit code {code}\n{said}\n{self.cluster.logs()}"
        if time.time() > self._launched_at + _RESTART_SECONDS:
            self.deaths += not was_early
            self.command = self._launch("resume", str(self.run))
        return False

    def _launch(self, *arguments: str) -> Child:
        self._launched_at = time.time()
        command = self.cluster.command(*arguments)
        command.launch()
        return command

    def _progress(self) -> int:
        """Images done; notes how long the last fault has kept the run up."""
        with contextlib.suppress(DBAPIError):
            done = self.done
            if self._since is not None and done > self._since[1]:
                self.recovery = max(self.recovery, time.monotonic() - self._since[0])
                self._since = None
            return done
        return -1


def wait_for(condition: Callable[[], T], *, what: str, seconds: float = PATIENCE) -> T:
    """Wait until the condition holds; what it gave then."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.05)
    return found


def dice(seed: int) -> random.Random:
    """Where faults come from; the seed is printed, and shown when the test fails."""
    print(f"faults come from seed {seed}")  # noqa: T201  # pytest shows it with a failure
    return random.Random(seed)
