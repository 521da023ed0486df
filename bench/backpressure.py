"""Whether queue and memory stay bounded over a huge archive, and Ctrl-C loses nothing of it.

    python bench/backpressure.py [--files 300000] [--contents 300] [--interrupts 3] [--seed 1]

Draws a few hundred small images, makes hard links of them until there are as many files as asked,
and labels them with `kaolabel label --detect-only`. Every second it looks at how many messages
wait, how many jobs are in flight, and what each process takes; growth is counted after the first
tenth of the files. Then it labels the same archive from nothing, interrupts the command at random
moments, and resumes each time. Bytes that are known are linked without decoding, so the rate is
that of reading, hashing and SQL. KAOLABEL_BROKER_URL and KAOLABEL_DATABASE_URL name servers to use
instead of the embedded ones; the database must be empty, so --interrupts 0 goes with it.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]  # psutil ships no types
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db.engine import Database
from db.settings import DatabaseSettings
from db.store import runs
from producer.enqueue import HIGH_WATER
from tests.drawing import face_png, plain_png
from tests.faults.memory import Memory
from worker.broker.app import create_app, waiting_messages
from worker.broker.embedded import EmbeddedRedis
from worker.broker.settings import BrokerSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SECONDS = 1.0
_FOLDER = 1000
_PER = 100_000

_INTERRUPTED = 130


@dataclass(slots=True)
class Watch:
    """What was seen of a run so far.

    Attributes:
        waiting: most messages in the queue.
        in_flight: most jobs published and not done.
        memory: over files done.
    """

    waiting: int = 0
    in_flight: int = 0
    memory: Memory = field(default_factory=Memory)


class Ledger:
    """Queue and ledger of the run under way, seen from outside.

    Args:
        home: of the command.
    """

    def __init__(self, home: Path) -> None:
        settings = BrokerSettings()
        given = settings.broker_url
        url = EmbeddedRedis(home).url if given is None else given.get_secret_value()
        self.database = Database(DatabaseSettings(home=home).url)
        self._app = create_app(url, settings)

    def look(self, watch: Watch, processes: Sequence[psutil.Process]) -> int:
        """Note how things stand; how many files are done."""
        try:
            with self.database.read() as connection:
                run = runs.latest(connection)
                if run is None:
                    return 0
                progress = runs.progress(connection, run.id)
            watch.in_flight = max(watch.in_flight, progress.jobs_in_flight)
            watch.memory.sample(progress.done, processes)
            watch.waiting = max(watch.waiting, waiting_messages(self._app))
        except (DBAPIError, OperationalError, RedisError, OSError):
            # Neither server is up before the command is, nor for long after it.
            return 0
        return progress.done

    def value(self, query: str) -> int:
        """The one number that a query gives."""
        with self.database.read() as connection:
            return int(connection.execute(text(query)).scalar_one())


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=300_000)
    parser.add_argument("--contents", type=int, default=300)
    parser.add_argument("--interrupts", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    # A shell's background job ignores Ctrl-C, and so would the command that it is sent to.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="kao-bench-") as folder:
        archive = Path(folder, "archive")
        link_files(archive, options.files, contents=options.contents)
        straight_through(Path(folder, "straight"), archive, options.files)
        if options.interrupts:
            rng = random.Random(options.seed)  # noqa: S311  # moments, not secrets
            # Well before the end, which comes within a second or two.
            marks = sorted(rng.sample(range(options.files * 3 // 4), options.interrupts))
            with_interrupts(Path(folder, "interrupted"), archive, options.files, marks)


def link_files(archive: Path, files: int, *, contents: int) -> None:
    """An archive of that many names for that many images, every fourth with a face."""
    originals = archive.parent / "originals"
    originals.mkdir()
    for number in range(contents):
        draw = plain_png if number % 4 else face_png
        (originals / f"{number}.png").write_bytes(draw(number))
    for number in range(files):
        folder = archive / f"{number // _FOLDER:05}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:07}.png").hardlink_to(originals / f"{number % contents}.png")


def straight_through(home: Path, archive: Path, files: int) -> None:
    """Label the archive in one go, and print rate, depth of the queue and memory."""
    watch, ledger, started = Watch(), Ledger(home), time.monotonic()
    with start(home, "label", str(archive), "--detect-only") as command:
        for _ in watched(command, ledger, watch):
            pass
    seconds = time.monotonic() - started
    check(command.returncode, ledger, files)
    print(f"{files:,} files in {seconds:.0f} s, {files / seconds:,.0f} files/s")
    print(f"most messages waiting {watch.waiting}, most jobs in flight {watch.in_flight}", end="")
    print(f", high-water mark {HIGH_WATER}\n")
    print(f"{'':16}{'highest MiB':>12}{f'MiB per {_PER:,} files':>26}")
    for trend in watch.memory.trends(warm_up=files / 10):
        print(f"{trend.kind:16}{trend.highest:>12.1f}{trend.slope * _PER:>+26.1f}")


def with_interrupts(home: Path, archive: Path, files: int, marks: Sequence[int]) -> None:
    """Label the archive with Ctrl-C after so many files each, and print that nothing is lost."""
    watch, ledger = Watch(), Ledger(home)
    arguments = ["label", str(archive), "--detect-only"]
    for mark in marks:
        with start(home, *arguments) as command:
            at = next((done for done in watched(command, ledger, watch) if done > mark), files)
            command.send_signal(signal.SIGINT)
            asked = time.monotonic()
            code = command.wait()
            seconds = time.monotonic() - asked
        print(f"Ctrl-C after {at:,} files: exit code {code} after {seconds:.1f} s")
        if code != _INTERRUPTED:
            raise SystemExit("it did not stop when asked")
        arguments = ["resume"]
    with start(home, *arguments) as command:
        code = command.wait()
    check(code, ledger, files)
    print(f"resumed each time: {files:,} files done, none lost, none open")


def watched(command: subprocess.Popen[bytes], ledger: Ledger, watch: Watch) -> Iterator[int]:
    """How many files are done, once a second for as long as the command runs."""
    process = psutil.Process(command.pid)
    while command.poll() is None:
        yield ledger.look(watch, [process, *process.children(recursive=True)])
        time.sleep(_SECONDS)


def check(code: int, ledger: Ledger, files: int) -> None:
    """Prove that the command ended well, and each file has one outcome.

    Raises:
        SystemExit: when not.
    """
    done = ledger.value("SELECT count(*) FROM images WHERE NOT due AND outcome IS NOT NULL")
    images = ledger.value("SELECT count(*) FROM images")
    still_open = ledger.value("SELECT count(*) FROM jobs WHERE state IN ('queued', 'leased')")
    ledger.database.close()
    if (code, done, images, still_open) != (0, files, files, 0):
        raise SystemExit(
            f"exit code {code}: of {files:,} files {images:,} listed, {done:,} done,"
            f" {still_open} jobs open"
        )


def start(home: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start the command in a home of its own."""
    environment = {**os.environ, "KAOLABEL_HOME": str(home)}
    command = [sys.executable, "-m", "kaolabel", *arguments, "--json"]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True
    )


if __name__ == "__main__":
    main()
