"""Labels on and on under random faults, and says what was lost and what grew.

    python -m tests.faults.soak --minutes 30 [--seed 1] [--every 15] [--files 2000]

One cluster on PostgreSQL, with two workers behind proxies, labels an archive again and again, each
time from an empty ledger, while everything that `kills` and `harm` know happens to it. The oracle
judges each round. Ends with 1 when anything was lost, doubled or different.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from tests.faults.cluster import Cluster
from tests.faults.conftest import fill, killable_postgres, undisturbed
from tests.faults.harm import HARM
from tests.faults.haste import slow
from tests.faults.kills import KILLS
from tests.faults.labelling import Labelling, dice
from tests.faults.memory import Memory
from tests.faults.monkey import Monkey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from rich.status import Status

    from tests.faults.conftest import Archive
    from tests.faults.oracle import Verdict

# What a decoder rests over each image: a round is to last longer than a few faults.
_REST = 0.05

_SAMPLE_SECONDS = 5.0

# Seconds until a process has loaded its libraries and done a job or two.
_WARM_UP = 60.0

_HOUR = 3600.0

_FORGET = "TRUNCATE archives, runs, jobs, contents CASCADE"


@dataclass(slots=True)
class Outcome:
    """What came of all rounds so far."""

    rounds: int = 0
    files: int = 0
    restarts: int = 0
    recovery: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    wrong: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("lost", "doubled", "different", "open jobs"), 0)
    )

    def add(self, labelling: Labelling, verdict: Verdict) -> None:
        """Count one round."""
        self.rounds += 1
        self.files += verdict.files
        self.restarts += labelling.deaths
        self.recovery = max(self.recovery, labelling.recovery)
        self.faults += labelling.kinds
        self.wrong["lost"] += len(verdict.lost)
        self.wrong["doubled"] += sum(verdict.doubled.values())
        self.wrong["different"] += len(verdict.different)
        self.wrong["open jobs"] += verdict.open_jobs

    def __str__(self) -> str:
        parts = {"rounds": self.rounds, "files": self.files, "faults": self.faults.total()}
        return ", ".join(f"{number:,} {name}" for name, number in (parts | self.wrong).items())


def main() -> None:
    """Soak for as long as asked, and print what came of it."""
    options = _options()
    console, rng = Console(), dice(options.seed)
    outcome, memory = Outcome(), Memory()
    with tempfile.TemporaryDirectory(prefix="kao-soak-") as folder:
        console.print(f"drawing {options.files:,} images, and labelling them undisturbed")
        fill(Path(folder, "images"), options.files)
        archive = undisturbed(Path(folder, "home"), Path(folder, "images"))
        try:
            with _cluster(Path(folder, "cluster")) as cluster, _sampled(cluster, memory):
                _soak(cluster, archive, outcome, rng, options, console)
        finally:
            _report(console, outcome, memory)
    sys.exit(1 if any(outcome.wrong.values()) else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--every", type=float, default=15.0, help="seconds between two faults")
    parser.add_argument("--files", type=int, default=2000, help="in the archive")
    return parser.parse_args()


@contextmanager
def _cluster(folder: Path) -> Iterator[Cluster]:
    with killable_postgres() as (server, postgres), postgres.lend(empty=False) as url:
        hooks = slow(_REST)
        with Cluster(folder, url, workers=2, postgres=server, proxied=True, hooks=hooks) as cluster:
            yield cluster


def _soak(
    cluster: Cluster,
    archive: Archive,
    outcome: Outcome,
    rng: Random,
    options: argparse.Namespace,
    console: Console,
) -> None:
    started = time.monotonic()
    with console.status("begins") as status:
        while (minutes := (time.monotonic() - started) / 60.0) < options.minutes:
            _show(console, status, f"{minutes:5.1f} minutes, {outcome}")
            cluster.database.commit(lambda connection: connection.execute(text(_FORGET)))
            labelling = cluster.label(archive.folder)
            Monkey(labelling, rng, KILLS | HARM).pester(every=options.every)
            verdict = labelling.judge(archive.findings)
            outcome.add(labelling, verdict)
            if not verdict.clean:
                console.print(verdict)


def _show(console: Console, status: Status, line: str) -> None:
    if console.is_terminal:
        status.update(line)
    else:
        console.print(line, soft_wrap=True)


@contextmanager
def _sampled(cluster: Cluster, memory: Memory) -> Iterator[None]:
    ended = threading.Event()

    def sample() -> None:
        while not ended.wait(_SAMPLE_SECONDS):
            memory.sample(time.monotonic(), [*cluster.processes(), *cluster.redis.tree()])

    thread = threading.Thread(target=sample, name="memory")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _report(console: Console, outcome: Outcome, memory: Memory) -> None:
    faults = Table("fault", "times")
    for kind, number in sorted(outcome.faults.items()):
        faults.add_row(kind, f"{number:,}")
    faults.add_row("command started again", f"{outcome.restarts:,}")
    faults.add_row("longest recovery", f"{outcome.recovery:.1f} s")
    growth = Table("process", "seen", "highest MiB", "MiB/hour", "± (95%)")
    for trend in memory.trends(warm_up=_WARM_UP):
        cells = (f"{trend.slope * _HOUR:+.1f}", f"{trend.margin * _HOUR:.1f}")
        # Too few processes lived for long enough.
        known = ("" if "nan" in cell else cell for cell in cells)
        growth.add_row(trend.kind, f"{trend.processes}", f"{trend.highest:.1f}", *known)
    console.print(str(outcome), faults, growth, sep="\n")


if __name__ == "__main__":
    main()
