"""Redis, PostgreSQL, a producer and workers, each on a host of its own."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

from bench.lan.network import Network
from bench.lan.servers import Postgres, Redis
from db.engine import Database
from tests.faults.services import ROOT
from worker.broker.messages import LABEL_QUEUE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from tests.faults.services import Child

    Hooks = Mapping[str, Mapping[str, Any]]

_HOOKS = ROOT / "tests" / "faults" / "hooks"

# Of the settings outside, those that name files which processes here need, too.
_KEPT = ("KAOLABEL_CASCADE",)

# Workers start one after the other, so that a machine is not busy with starting alone.
_START_PAUSE = 0.5
_START_SECONDS = 900.0

_TABLES = "SELECT string_agg(tablename, ', ') FROM pg_tables WHERE schemaname = 'public'"


class Cluster:
    """Servers on a network of their own, and as many workers as asked for.

    Use it as a context manager; at its end no process and no namespace is left.

    Args:
        folder: for everything that it keeps; on a short path that other users may enter.
        delay: milliseconds that a packet takes to leave a host.
        hooks: of the workers, with their arguments; see `tests/faults/hooks`.

    Attributes:
        queue: the name of the list in Redis in which messages wait.
        workers: the processes started so far, by the names of their hosts.
        producer: the command that was started last.
    """

    queue = LABEL_QUEUE

    def __init__(self, folder: Path, *, delay: float = 0.0, hooks: Hooks | None = None) -> None:
        self.folder = folder
        self.network = Network(delay=delay)
        self.workers: dict[str, Child] = {}
        self.producer: Child | None = None
        self._hooks = hooks or {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Start the servers."""
        with ExitStack() as stack:
            stack.enter_context(self.network)
            self.redis = Redis(self.network.host("redis"), self.folder / "redis")
            stack.callback(self.redis.stop)
            self.redis.start()
            self.postgres = Postgres(self.network.host("postgres"), self.folder / "postgres")
            stack.callback(self.postgres.stop)
            self.postgres.start()
            self._desk = self.network.host("desk")
            stack.callback(self._stop)
            self._upgrade()
            self.database = Database(self.postgres.admin_url)
            stack.callback(self.database.close)
            self._meter = stack.enter_context(self.postgres.connect())
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_exception: object) -> None:
        """End all processes, then the network."""
        self._stack.close()

    def add_workers(self, count: int, *, decoders: int = 1) -> None:
        """Start workers, each on a new host, until there are `count`; they need not be ready."""
        while len(self.workers) < count:
            name = f"worker{len(self.workers):02}"
            command = [sys.executable, "-m", "kaolabel", "worker", "--decoders", str(decoders)]
            log = self.folder / f"{name}.log"
            environment = self._environment("worker", self._hooks)
            child = self.network.host(name).command(command, environment, log)
            child.launch()
            self.workers[name] = child
            time.sleep(_START_PAUSE)

    def wait_for_workers(self) -> None:
        """Wait until every worker takes messages.

        Raises:
            SystemExit: when one ends, or takes far too long.
        """
        deadline = time.monotonic() + _START_SECONDS
        for name, child in self.workers.items():
            while b" ready." not in child.log.read_bytes():
                if not child.alive or time.monotonic() > deadline:
                    said = child.log.read_text()[-3000:]
                    raise SystemExit(f"{name} does not start:\n{said}")
                time.sleep(0.1)

    def label(self, archive: Path, *, hooks: Hooks | None = None) -> Child:
        """Start `kaolabel label` on the producer's host, detecting faces only.

        Args:
            archive: what is labelled.
            hooks: of this command, on top of the workers' ones.
        """
        command = [sys.executable, "-m", "kaolabel", "label", str(archive), "--detect-only"]
        log = self.folder / "producer.log"
        log.unlink(missing_ok=True)
        environment = self._environment("producer", {**self._hooks, **(hooks or {})})
        self.producer = self._desk.command([*command, "--json"], environment, log)
        self.producer.launch()
        return self.producer

    def forget(self) -> None:
        """Empty the ledger, as for a new archive."""
        (tables,) = self.query(_TABLES)
        kept = ", ".join(name for name in tables.split(", ") if name != "alembic_version")
        self._meter.execute(f"TRUNCATE {kept} RESTART IDENTITY CASCADE")

    def query(self, statement: str) -> tuple[Any, ...]:
        """The first row that a query gives, past the network."""
        row = self._meter.execute(statement).fetchone()
        return () if row is None else tuple(row)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """All rows that a query gives, past the network."""
        return self._meter.execute(statement).fetchall()

    def pids(self) -> dict[str, Iterable[int]]:
        """The first processes of each part."""
        return {
            "workers": [child.pid for child in self.workers.values()],
            "producer": [] if self.producer is None else [self.producer.pid],
            "postgresql": [self.postgres.process.pid],
            "redis": [self.redis.process.pid],
        }

    def _stop(self) -> None:
        for child in [self.producer, *self.workers.values()]:
            if child is not None:
                child.kill()

    def _upgrade(self) -> None:
        """Make the tables."""
        command = [sys.executable, "-m", "kaolabel", "db", "upgrade"]
        log = self.folder / "upgrade.log"
        child = self._desk.command(command, self._environment("producer", {}), log)
        child.launch()
        if child.wait(_START_SECONDS) != 0:
            raise SystemExit(f"the ledger cannot be made:\n{log.read_text()}")

    def _environment(self, role: str, hooks: Hooks) -> dict[str, str]:
        """What a process knows of its surroundings; TMPDIR names its hooks."""
        outside = {k: v for k, v in os.environ.items() if not k.startswith("KAOLABEL_")}
        kept = {k: v for k, v in os.environ.items() if k in _KEPT}
        orders = self.folder / f"tmp-{role}"
        orders.mkdir(exist_ok=True)
        (orders / "hooks.json").write_text(json.dumps(hooks))
        return {
            **outside,
            **kept,
            "PYTHONPATH": os.pathsep.join([str(_HOOKS), str(ROOT)]),
            "TMPDIR": str(orders),
            "KAOLABEL_HOME": str(self.folder / "home"),
            "KAOLABEL_BROKER_URL": self.redis.url,
            "KAOLABEL_DATABASE_URL": self.postgres.url,
            "KAOLABEL_DEVICE": "cpu",
        }
