"""How much the queue and the ledger cost: `kaolabel label` against the bare work, in one run.

    python bench/labelling.py [--images 600]

Draws an archive and finds its faces twice: in a bare loop that hands every file to the same decoder
processes and throws the faces away, which is as fast as this machine can be, and with `kaolabel
label --detect-only`, which also walks, enqueues, hashes, commits and counts. The steady rate leaves
out the seconds that it takes to start Redis and a worker. With a cascade in KAOLABEL_CASCADE both
use it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from db.engine import Database
from db.settings import DatabaseSettings
from training.drawn import cast, write_archive
from worker.configured import configured_chain, decoder_pool
from worker.settings import WorkerSettings


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=600)
    images = parser.parse_args().images
    with tempfile.TemporaryDirectory() as folder:
        archive, home = Path(folder, "archive"), Path(folder, "home")
        people = cast(12, seed=1)
        write_archive(archive, people[:8], people[8:], scenes=images, seed=2)
        bare = bare_loop(archive, home)
        whole, steady = labelled(archive, home)
    print(f"{'':34}{'images/s':>10}{'of the bare loop':>18}")
    for name, rate in (
        ("bare decode, detect and crop", bare),
        ("kaolabel label, first to last job", steady),
        ("kaolabel label, with its start", whole),
    ):
        print(f"{name:34}{rate:>10.1f}{rate / bare:>17.0%}")


def bare_loop(archive: Path, home: Path) -> float:
    """Images a second without queue or database."""
    settings = WorkerSettings()
    files = [path for path in archive.rglob("*") if path.is_file()]
    with decoder_pool(settings, configured_chain(settings, home)) as pool:
        list(pool.examine((path, path.read_bytes()) for path in files[:4]))
        started = time.perf_counter()
        found = list(pool.examine((path, path.read_bytes()) for path in files))
    return len(found) / (time.perf_counter() - started)


def labelled(archive: Path, home: Path) -> tuple[float, float]:
    """Images a second of the whole command, and from its first claim to its last commit."""
    command = [sys.executable, "-m", "kaolabel", "label", str(archive), "--detect-only", "--json"]
    environment = {**os.environ, "KAOLABEL_HOME": str(home)}
    done = subprocess.run(command, env=environment, check=True, capture_output=True)
    summary = json.loads(done.stdout)
    database = Database(DatabaseSettings(home=home, database_url=None).url)
    with database.read() as connection:
        query = "SELECT max(finished_at) - min(claimed_at) FROM jobs"
        seconds = connection.exec_driver_sql(query).scalar_one()
    database.close()
    return summary["images"] / summary["seconds"], summary["images"] / seconds


if __name__ == "__main__":
    main()
