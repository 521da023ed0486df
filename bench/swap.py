"""What swapping models costs a run: `kaolabel label` with swaps against the same run without.

    python bench/swap.py [--images 2000] [--swaps 10] [--rounds 3] [--embedders]

Draws an archive and trains two models of it: two heads of one untrained backbone or, with
--embedders, two backbones that tap different layers, so that a swap builds a network. Then labels
the archive from nothing, with and without swaps in turn. Swaps are spread evenly over the run; the
next one waits until a job was done by the one before, as an activation that is overtaken within a
job would cost nothing. Rates leave out all up to the end of the first job, in which the first model
is loaded. Each run is checked in its database: no failed attempt, one version a job, and a
prediction by it for every face.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from db.engine import Database
from db.settings import DatabaseSettings
from training.drawn import cast, write_archive, write_training_folder
from worker.models import registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_FAULTS = {
    "jobs that needed a second attempt": "SELECT count(*) FROM jobs WHERE attempts > 1",
    "jobs that are not done": "SELECT count(*) FROM jobs WHERE state <> 'done'",
    "images of another version than their job": (
        "SELECT count(*) FROM images JOIN jobs ON jobs.id = images.job_id"
        " WHERE images.version_id <> jobs.version_id"
    ),
    "faces without a prediction by their job's version": (
        "SELECT count(*) FROM images JOIN jobs ON jobs.id = images.job_id"
        " JOIN faces ON faces.detection_id = images.detection_id"
        " LEFT JOIN predictions ON predictions.face_id = faces.id"
        " AND predictions.version_id = jobs.version_id WHERE predictions.face_id IS NULL"
    ),
}


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one run: images a second, swaps that jobs saw, and what went wrong."""

    rate: float
    swaps: int
    faults: dict[str, int]


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--swaps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--embedders", action="store_true", help="swap backbones, not only heads")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        archive, home = Path(folder, "archive"), Path(folder, "home")
        people = cast(12, seed=1)
        write_archive(archive, people[:8], people[8:], scenes=options.images, seed=2)
        versions = train(Path(folder), home, embedders=options.embedders)
        still: list[Run] = []
        swapped: list[Run] = []
        for number in range(options.rounds):
            # Who goes first changes, as a machine may grow slower with the minutes.
            for swaps in (0, options.swaps) if number % 2 == 0 else (options.swaps, 0):
                found = labelled(archive, home, versions, images=options.images, swaps=swaps)
                (swapped if swaps else still).append(found)
                line = f"{swaps:3} swaps asked, {found.swaps:3} seen: {found.rate:6.1f} images/s"
                print(line, flush=True)
    report(still, swapped)


def train(folder: Path, home: Path, *, embedders: bool) -> list[int]:
    """Two versions, trained on different pictures of the same characters."""
    taps = ("mixed0", "mixed1") if embedders else ("mixed1", "mixed1")
    for number, tap in enumerate(taps):
        pictures = folder / f"characters-{number}"
        write_training_folder(pictures, cast(12, seed=1)[:8], per_label=8, seed=3 + number)
        with_it = ("--backbone", "seeded", "--taps", tap)
        kaolabel(home, "train", str(pictures), *with_it)
    return [version["version"] for version in kaolabel(home, "models")["models"][-2:]]


def labelled(archive: Path, home: Path, versions: Sequence[int], *, images: int, swaps: int) -> Run:
    """Label the archive from nothing in a copy of the home, swapping meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(shutil.copytree(home, Path(folder, "home"), symlinks=True))
        database = Database(DatabaseSettings(home=fresh, database_url=None).url)
        registry.activate(database, versions[0], why="a benchmark")
        with start(fresh, "label", str(archive)) as process:
            marks = [images * (turn + 1) / (swaps + 1) for turn in range(swaps)]
            swap_at(marks, process, database, versions)
            if process.wait():
                raise SystemExit(f"kaolabel label ended with {process.returncode}")
        found = Run(rate(database), seen(database), dict(faults(database)))
        database.close()
    return found


def swap_at(
    marks: Sequence[float],
    process: subprocess.Popen[bytes],
    database: Database,
    versions: Sequence[int],
) -> None:
    """Activate the versions in turn, each once so many images are done and the last one serves."""
    live = 0
    for mark in marks:
        while process.poll() is None:
            done = value(database, "SELECT count(*) FROM images WHERE outcome IS NOT NULL")
            newest = "SELECT version_id FROM jobs WHERE state = 'done' ORDER BY finished_at DESC"
            if done >= mark and value(database, f"{newest} LIMIT 1") == versions[live]:
                break
            time.sleep(0.05)
        else:
            return
        live = 1 - live
        registry.activate(database, versions[live], why="a benchmark")


def rate(database: Database) -> float:
    """Images a second between the ends of the first and the last job."""
    query = "SELECT size, finished_at FROM jobs WHERE state = 'done' ORDER BY finished_at"
    (_, first), *others = rows(database, query)
    return float(sum(size for size, _ in others) / (others[-1][1] - first))


def seen(database: Database) -> int:
    """How often a job had another version than the one before it."""
    query = "SELECT version_id FROM jobs WHERE state = 'done' ORDER BY finished_at"
    return sum(one != other for one, other in pairwise(rows(database, query)))


def faults(database: Database) -> Iterator[tuple[str, int]]:
    """What must be zero."""
    for name, query in _FAULTS.items():
        yield name, value(database, query)


def report(still: Sequence[Run], swapped: Sequence[Run]) -> None:
    """Print medians, their ratio, and what went wrong."""
    base, cost = (median(run.rate for run in runs) for runs in (still, swapped))
    print(f"\n{'':24}{'images/s':>10}{'of the run without':>20}")
    print(f"{'without swaps':24}{base:>10.1f}{1:>20.1%}")
    print(f"{'with swaps':24}{cost:>10.1f}{cost / base:>20.1%}")
    for name in _FAULTS:
        print(f"{name}: {sum(run.faults[name] for run in (*still, *swapped))}")


def kaolabel(home: Path, *arguments: str) -> dict[str, Any]:
    """Run the command; what it prints for programs."""
    with start(home, *arguments) as process:
        out, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"kaolabel {arguments[0]} ended with {process.returncode}")
    found: dict[str, Any] = json.loads(out)
    return found


def start(home: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start the command."""
    environment = {**os.environ, "KAOLABEL_HOME": str(home)}
    command = [sys.executable, "-m", "kaolabel", *arguments, "--json"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)


def rows(database: Database, query: str) -> list[Any]:
    """What a query gives."""
    with database.read() as connection:
        return list(connection.execute(text(query)))


def value(database: Database, query: str) -> Any:
    """The first value that a query gives, or None."""
    return next((row[0] for row in rows(database, query)), None)


if __name__ == "__main__":
    main()
