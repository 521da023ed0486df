"""How long kaolabel takes to start and to end, as multiples of TensorFlow's own import.

    python bench/startup.py [--rounds 5] [--images 10] [--json FILE]

Trains a model once. Then, round by round, each in fresh processes and one after another:

    tensorflow   `python -c "import tensorflow"`: the measure of all others
    help         `kaolabel --help`
    status       `kaolabel status`
    model        what a worker does for its model: Keras, backbone, network, golden faces
    worker       `kaolabel worker` on a Redis that holds a job: until it is ready, that is connected
                 with its detectors proven, until it claims, which it does with its model loaded,
                 and until the job is done
    label        `kaolabel label` with a Redis and a worker of its own, in a home that has a model
                 and knows no image: until the first claim, the last commit, and its end
    again        the same command once more, which finds nothing to do

A round that is not counted goes before, so that files come from memory. Seconds are wall time;
ratios are taken within a round. Targets are those of docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from bench.peers import machine, model
from db.engine import Database
from tests.ledger import Ledger
from training.drawn import cast, write_archive
from worker.broker import tether
from worker.broker.app import create_app
from worker.broker.embedded import EmbeddedRedis
from worker.broker.settings import BrokerSettings
from worker.configured import configured_chain
from worker.reconciler import publish
from worker.settings import WorkerSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Seconds = dict[str, float]

KAOLABEL = (sys.executable, "-m", "kaolabel")
TENSORFLOW = "import tensorflow"
MODEL = "the model alone"

# What each is held against: so many imports of TensorFlow, and so many seconds more.
TARGETS = {
    "kaolabel --help": (0.0, 0.3),
    "worker: ready": (1.0, 3.0),
    "label: its end": (3.0, 0.0),
}

_LOAD_MODEL = """
from db import schema
from db.settings import DatabaseSettings
from worker.models.live import load_proven
from worker.models.registry import require_active

settings = DatabaseSettings()
load_proven(require_active(schema.connect(settings)), home=settings.home)
"""
_PATIENCE = 600.0
_TICK = 0.02
_WIDTH = 100


def main() -> None:
    """Measure, and print one table."""
    options = _parser().parse_args()
    # A shell's background job ignores Ctrl-C, and so would what it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    described = machine.describe()
    with tempfile.TemporaryDirectory(prefix="kao-start-") as folder:
        stage = Stage(Path(folder), images=options.images)
        rounds = [_shown(number, stage.round()) for number in range(options.rounds + 1)][1:]
    # As wide in a file as on a terminal.
    Console(highlight=False, width=_WIDTH).print(_table(rounds))
    if options.json is not None:
        found = {"machine": described, "rounds": rounds, "ratios": [_ratios(one) for one in rounds]}
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


class Stage:
    """A trained home that is never worked in, and an archive.

    Args:
        folder: for everything.
        images: in the archive.
    """

    def __init__(self, folder: Path, *, images: int) -> None:
        self._folder = folder
        self._trained = folder / "trained"
        scrubbed = {k: v for k, v in os.environ.items() if not k.startswith("KAOLABEL_")}
        cascade = model.cascade(os.environ.get("KAOLABEL_CASCADE"))
        self._environment = scrubbed | ({"KAOLABEL_CASCADE": str(cascade)} if cascade else {})
        self._archive = folder / "archive"
        people = cast(5, seed=3)
        write_archive(self._archive, people[:3], people[3:], scenes=images, seed=5)
        model.train(self._trained, self._at(self._trained))

    def round(self) -> Seconds:
        """Everything once, in seconds."""
        # Keras' side of it is kaolabel's own business; this is TensorFlow alone, and silent.
        quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        found = {TENSORFLOW: _spent([sys.executable, "-c", TENSORFLOW], quiet)}
        found["kaolabel --help"] = _spent([*KAOLABEL, "--help"], self._environment)
        with self._home() as home:
            found["kaolabel status"] = _spent([*KAOLABEL, "status"], self._at(home))
            found[MODEL] = _spent([sys.executable, "-c", _LOAD_MODEL], self._at(home))
        with self._home() as home:
            found |= self._worker(home)
        with self._home() as home:
            found |= self._label(home)
        return found

    def _worker(self, home: Path) -> Seconds:
        """A worker that finds its first job waiting."""
        with EmbeddedRedis(home) as redis, _database(home) as database:
            environment = self._at(home) | {"KAOLABEL_BROKER_URL": redis.url}
            self._publish(database, redis.url, environment)
            log, began = home / "worker.log", time.time()
            with _started([*KAOLABEL, "worker"], environment, log) as worker:
                ready = _until(lambda: b" ready." in log.read_bytes(), worker, log)
                query = "SELECT max(finished_at) FROM jobs"
                _until(lambda: _value(database, query) is not None, worker, log)
                claimed = _value(database, "SELECT min(claimed_at) FROM jobs")
                done = _value(database, query)
        return {
            "worker: ready": ready - began,
            "worker: first claim": float(claimed or 0) - began,
            "worker: first job done": float(done or 0) - began,
        }

    def _publish(self, database: Database, url: str, environment: Mapping[str, str]) -> None:
        settings = WorkerSettings(cascade=environment.get("KAOLABEL_CASCADE"))
        ledger = Ledger(database)
        chain = configured_chain(settings, self._trained)
        run = ledger.run(os.fsencode(self._archive), chain=chain.id)
        files = (path for path in self._archive.rglob("*") if path.is_file())
        ledger.register(run, *(os.fsencode(path.relative_to(self._archive)) for path in files))
        publish(database, create_app(url, BrokerSettings(broker_url=None)), [ledger.cut(run)])

    def _label(self, home: Path) -> Seconds:
        """The whole command in a home without images, and once more when all is known."""
        command = [*KAOLABEL, "label", str(self._archive), "--json"]
        began = time.time()
        end = _spent(command, self._at(home))
        with _database(home) as database:
            claimed = _value(database, "SELECT min(claimed_at) FROM jobs")
            done = _value(database, "SELECT max(finished_at) FROM jobs")
        return {
            "label: first claim": float(claimed or 0) - began,
            "label: last commit": float(done or 0) - began,
            "label: its end": end,
            "label again": _spent(command, self._at(home)),
        }

    @contextmanager
    def _home(self) -> Iterator[Path]:
        """A copy of the trained home."""
        home = self._folder / "home"
        shutil.copytree(self._trained, home)
        try:
            yield home
        finally:
            shutil.rmtree(home)

    def _at(self, home: Path) -> dict[str, str]:
        return {**self._environment, "KAOLABEL_HOME": str(home)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=10)
    parser.add_argument("--json", type=Path)
    return parser


def _shown(number: int, found: Seconds) -> Seconds:
    line = ", ".join(f"{name} {seconds:.2f}" for name, seconds in found.items())
    print(f"round {number}: {line}", file=sys.stderr, flush=True)
    return found


def _spent(command: list[str], environment: Mapping[str, str]) -> float:
    """Seconds that a command takes, which must end well."""
    began = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command} ended with {done.returncode}: {done.stderr.decode()}")
    return time.perf_counter() - began


@contextmanager
def _started(
    command: list[str], environment: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is gone at the end of the block."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            tether.command(command, signal=signal.SIGKILL),
            env=environment,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        tether.stop(process, patience=10)


def _until(condition: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> float:
    """Wait for a condition; the time at which it was seen to hold."""
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"the worker does not get there: {log.read_text()[-2000:]}")
        time.sleep(_TICK)
    return time.time()


@contextmanager
def _database(home: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{home / 'kaolabel.db'}")
    try:
        yield database
    finally:
        database.close()


def _value(database: Database, query: str) -> float | None:
    with database.read() as connection:
        found: float | None = connection.exec_driver_sql(query).scalar_one()
    return found


def _ratios(found: Seconds) -> Seconds:
    return {name: seconds / found[TENSORFLOW] for name, seconds in found.items()}


def _table(rounds: list[Seconds]) -> Table:
    table = Table("", "seconds", "lowest", "highest", "of the import", "target", "kept")
    ratios = [_ratios(one) for one in rounds]
    for name in rounds[0]:
        seconds = [one[name] for one in rounds]
        ratio = statistics.median(one[name] for one in ratios)
        table.add_row(
            name,
            *(f"{value:.2f}" for value in (statistics.median(seconds), min(seconds), max(seconds))),
            f"{ratio:.2f}",
            *_judged(name, rounds),
        )
    return table


def _judged(name: str, rounds: list[Seconds]) -> tuple[str, str]:
    """The target in seconds, and in how many rounds it was kept."""
    if name not in TARGETS:
        return "", ""
    imports, more = TARGETS[name]
    limits = [imports * one[TENSORFLOW] + more for one in rounds]
    kept = sum(one[name] < limit for one, limit in zip(rounds, limits, strict=True))
    return f"< {statistics.median(limits):.2f}", f"{kept} of {len(rounds)}"


if __name__ == "__main__":
    main()
