"""How labelling grows with workers on other hosts, and what of queue and ledger gives in first.

    python bench/hosts.py [--real 1,2,4] [--resting 1,2,4,8,16,32,64] [--json FILE]

Needs root: Redis, PostgreSQL, the producer and each worker run in a network and UTS namespace of
their own, with their own name and address, joined by a bridge; they share the file system, as an
archive on NFS would be. All are real commands and servers. Three things are measured:

1. Workers of one decoder that computes (--real), on drawn scenes or --archive: the curve that the
   cores of this one machine allow. The ledger is compared by its rows with that of one worker.
   With a cascade in KAOLABEL_CASCADE all use it.
2. Workers whose decoder rests for --rest seconds an image instead (--resting), so that hosts can be
   had without their cores: what is lost against that many times the rate of one decoder is lost to
   queue and ledger. Rates are those between 25% and 85% of the images, by the ledger's clock.
3. The same workers without any rest, in jobs as small as they come: jobs a second until something
   gives in, what each part spends on a job, and which of them has most to do.

CPU seconds are those of all processes of a part. As all parts share the cores of one machine, what
a server carries on cores of its own is derived from its CPU time over a whole run, listing
included, and marked so.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.lan import archives, tables
from bench.lan.cluster import Cluster
from bench.lan.network import obstacle
from bench.lan.run import idle, label, warm_up
from producer.enqueue import MIN_JOB
from tests.faults import oracle

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Workers do not compute, nor do those who prove their detectors.
_RESTING: dict[str, dict[str, Any]] = {"rest": {}}

# Every job is then as small as jobs may be.
_SMALLEST = {"constants": {"producer.enqueue.JOB_SECONDS": 0.0}}

_IDLE_SECONDS = 20.0


def main() -> None:
    """Measure, and print the tables."""
    options = _options()
    why = obstacle()
    if why is not None:
        raise SystemExit(why)
    # Also in a shell's background job, which ignores Ctrl-C; all hosts are taken away on the way.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit("interrupted"))
    found: dict[str, Any] = {
        "rest": options.rest,
        "real": [],
        "resting": [],
        "limit": [],
        "idle": [],
    }
    with tempfile.TemporaryDirectory(prefix="kao-hosts-") as name:
        folder = Path(name)
        # PostgreSQL runs as another user.
        folder.chmod(0o755)
        if options.real:
            real(folder, options, found)
        if options.resting:
            resting(folder, options, found)
        print(tables.render(found), flush=True)
        if options.markdown:
            options.markdown.write_text(tables.markdown(found))


def real(folder: Path, options: argparse.Namespace, found: dict[str, Any]) -> None:
    """Label an archive with more and more workers that decode and detect."""
    archive = options.archive or archives.draw_scenes(folder / "scenes", options.images)
    images = archives.files(archive)
    first = archives.draw_scenes(folder / "first", MIN_JOB * max(options.real))
    expected = None
    with _cluster(folder / "real", options) as cluster:
        found["delay"] = cluster.network.delay
        for workers in _grow(cluster, options.real):
            warm_up(cluster, first)
            for _ in range(options.rounds):
                _tell(f"{workers} workers decode {images} images")
                found["real"].append(label(cluster, archive, images=images))
                expected = expected or oracle.find(cluster.database, run=1)
                _compare(cluster, archive, expected)
                _save(found, options.json)


def resting(folder: Path, options: argparse.Namespace, found: dict[str, Any]) -> None:
    """Label archives with more and more workers whose decoders rest, then with no rest at all."""
    with _cluster(folder / "resting", options, hooks=_RESTING) as cluster:
        found["delay"] = cluster.network.delay
        for workers in _grow(cluster, options.resting):
            few = 2 * MIN_JOB * workers
            first = archives.write_rests(folder / f"first-{workers}", few, rest=0.05)
            warm_up(cluster, first)
            images = workers * options.images_per_worker
            long = archives.write_rests(folder / f"long-{workers}", images, rest=options.rest)
            _tell(f"{workers} workers rest over {images} images")
            found["resting"].append(label(cluster, long, images=images, rest=options.rest))
            images = MIN_JOB * options.jobs
            short = archives.write_rests(folder / f"short-{workers}", images, rest=0.0)
            _tell(f"{workers} workers do {options.jobs} of the smallest jobs")
            found["limit"].append(label(cluster, short, images=images, rest=0.0, hooks=_SMALLEST))
            found["idle"].append(idle(cluster, seconds=_IDLE_SECONDS))
            _save(found, options.json)


def _cluster(
    folder: Path, options: argparse.Namespace, *, hooks: dict[str, dict[str, Any]] | None = None
) -> Cluster:
    folder.mkdir()
    return Cluster(folder, delay=options.delay, hooks=hooks)


def _grow(cluster: Cluster, counts: Sequence[int]) -> Iterator[int]:
    """Add workers until there are so many, again and again."""
    for count in sorted(counts):
        _tell(f"{count} workers start")
        cluster.add_workers(count)
        cluster.wait_for_workers()
        yield count


def _compare(cluster: Cluster, archive: Path, expected: oracle.Findings) -> None:
    verdict = oracle.judge(cluster.database, 1, archive, expected)
    if not verdict.clean:
        raise SystemExit(f"the ledger is not that of one worker: {verdict}")


def _save(found: dict[str, Any], file: Path | None) -> None:
    # As soon as there is something: to measure all of it takes a quarter of an hour.
    if file is not None:
        file.write_text(json.dumps(found, indent=1))


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--real", type=_counts, default=_counts("1,2,4"))
    parser.add_argument("--resting", type=_counts, default=_counts("1,2,4,8,16,32,64"))
    parser.add_argument("--images", type=int, default=400, help="drawn scenes for --real")
    parser.add_argument("--archive", type=Path, help="a folder of images in their stead")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each number of --real")
    parser.add_argument("--images-per-worker", type=int, default=600, help="for --resting")
    parser.add_argument("--rest", type=float, default=0.05, help="seconds an image")
    parser.add_argument("--jobs", type=int, default=300, help="of the smallest size")
    parser.add_argument("--delay", type=float, default=0.25, help="ms for a packet to leave a host")
    parser.add_argument("--json", type=Path, help="write all that was found")
    parser.add_argument("--markdown", type=Path, help="write the tables as Markdown")
    return parser.parse_args()


def _counts(text: str) -> list[int]:
    """Numbers of workers, such as `1,2,4`; none where there are none."""
    return [int(number) for number in text.split(",") if number]


if __name__ == "__main__":
    main()
