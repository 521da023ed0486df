"""How fast an archive is labelled, against the first scripts, Ray Data, and the bare work.

    python bench/throughput.py [--images 3000] [--rounds 3] [--only a,plain,b,b2,c,d,dpg]
        [--images-a 300] [--archive DIR] [--home DIR] [--stages] [--json FILE]

Builds an archive of real scenes at slightly different sizes (drawn ones without the development
data), trains a model once, and lets the contestants label the archive in turn, each cold, as
processes of their own:

    a      the first scripts' steps: detect at full size, resize, classify, one by one; one process
    plain  full decode, LBP at 400 px, Inception V3 in batches; two processes, no queue, no database
    b      the same in Ray Data, with fused actors; b2 is Ray Data with kaolabel's own stages
    c      kaolabel's own stages in a bare loop; two processes, no queue, no database
    d      `kaolabel label`, embedded; dpg is a worker on Redis and PostgreSQL

Rates with start are over the whole time from the command line to its end. Where `a` looks at fewer
images, its start and its rate are measured and put together for the whole archive. Steady rates go
from the first image to the last one; of `d`, from the first claim of a job to the last commit.
Processor time is the kernel's own sum over all processes of a contestant, or what was last seen of
each if that is more; memory is looked at once a second. `--archive` takes any folder. The archive
and Ray's environment stay in --cache.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.peers import archive, command, machine, model, ray_environment, report
from bench.peers.meter import FailedError, adopt_orphans, end_children, measure
from bench.peers.order import Order
from bench.peers.report import TITLES, Run, Runs
from bench.peers.result import Result

if TYPE_CHECKING:
    from collections.abc import Sequence

_PEERS = {"plain", "a", "b"}
_SAMPLE = 300

# Cascades and small batches do not scale over threads; processes do.
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}


def main() -> None:
    """Measure what was asked for, and print the tables."""
    options = _parser().parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    adopt_orphans()
    options.cache.mkdir(mode=0o700, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix="kao-bench-") as folder:
            _measure(options, Path(folder))
    except KeyboardInterrupt:
        sys.exit("interrupted")
    except FailedError as error:
        sys.exit(str(error))
    finally:
        end_children(patience=0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--images-a", type=int, help="fewer for (a), whose rate does not change")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", type=_contestants, default=list(TITLES))
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--archive", type=Path, help="a folder to label as it is")
    parser.add_argument("--home", type=Path, help="with a model, instead of training one")
    parser.add_argument("--stages", action="store_true", help="milliseconds by stage, too")
    parser.add_argument("--json", type=Path, help="keep all figures in a file")
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir(), f"kaolabel-bench-{os.getuid()}")
    )
    return parser


def _contestants(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - TITLES.keys():
        raise argparse.ArgumentTypeError(f"{unknown} compete not; give some of {','.join(TITLES)}")
    return [name for name in TITLES if name in names]


def _measure(options: argparse.Namespace, folder: Path) -> None:
    order = _prepare(options, folder)
    about = machine.describe()
    stages = _stages(order) if options.stages else {}
    runs = _rounds(options, order)
    report.print_rates(runs)
    report.print_targets(runs)
    differing = report.print_agreement(runs)
    if stages:
        report.print_stages(stages.get("plain", {}), stages["kaolabel"])
    if options.json:
        figures = {name: [run.to_json() for run in done] for name, done in runs.items()}
        about["ray"] = ray_environment.version(options.cache)
        kept = {"machine": about, "runs": figures, "differing": differing, "stages_ms": stages}
        options.json.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def _prepare(options: argparse.Namespace, folder: Path) -> Order:
    order = Order(
        archive=(options.archive or archive.build(options.cache, images=options.images)).absolute(),
        home=folder / "home",
        out=folder / "result.json",
        cascade=model.cascade(os.environ.get("KAOLABEL_CASCADE")),
        weights=model.weights(),
        images=None,
        processes=options.processes,
    )
    if order.cascade is None:
        print("no LBP cascade: a, plain and b are left out", file=sys.stderr)
        options.only = [name for name in options.only if name not in _PEERS]
    if options.home:
        shutil.copytree(options.home, order.home, symlinks=True)
    else:
        model.train(order.home, command.environment(order, KAOLABEL_HOME=str(order.home)))
    return order


def _rounds(options: argparse.Namespace, order: Order) -> Runs:
    runs: Runs = {name: [] for name in options.only}
    if {"b", "b2"} & runs.keys():
        ray_environment.interpreter(options.cache)
    total = len(order.paths())
    for number in range(options.rounds):
        # Who goes first changes, as a machine may grow slower with the minutes.
        for name in list(options.only if number % 2 == 0 else reversed(options.only)):
            try:
                runs[name].append(_run(name, options, order, total))
            except FailedError as error:
                print(f"{TITLES[name]} is out: {error}", file=sys.stderr, flush=True)
                # Rounds are compared with each other, so that it may not come back in a later one.
                options.only.remove(name)
            else:
                _tell(number, name, runs[name][-1])
    return {name: done for name, done in runs.items() if done}


def _tell(number: int, name: str, run: Run) -> None:
    line = f"{run.whole:6.1f} images/s, steady {run.steady:6.1f}"
    print(f"{number + 1}: {TITLES[name]:34}{line}", file=sys.stderr, flush=True)


def _run(name: str, options: argparse.Namespace, order: Order, total: int) -> Run:
    if name == "d":
        return Run(total, *command.embedded(order))
    if name == "dpg":
        return Run(total, *command.with_servers(order))
    work = replace(order, images=options.images_a) if name == "a" else order
    python = ray_environment.interpreter(options.cache) if name in {"b", "b2"} else sys.executable
    line = [str(python), "-m", *_module(name), *work.arguments()]
    threads = {} if name == "a" else _ONE_THREAD
    environment = command.environment(order, **threads)
    cost = measure(line, environment, log=order.out.with_suffix(".log"))
    return Run(total, cost, Result.read(order.out))


def _module(name: str) -> Sequence[str]:
    modules = {
        "a": ("bench.peers.seeds",),
        "plain": ("bench.peers.plain",),
        "b": ("bench.peers.ray_data", "--stages", "plain"),
        "b2": ("bench.peers.ray_data", "--stages", "kaolabel"),
        "c": ("bench.peers.bare",),
    }
    return modules[name]


def _stages(order: Order) -> dict[str, dict[str, float]]:
    """Milliseconds an image, of some of the images."""
    tables = {}
    some = replace(order, images=_SAMPLE, processes=1)
    for stages in ("plain", "kaolabel") if order.cascade else ("kaolabel",):
        line = [sys.executable, "-m", "bench.peers.stages", "--stages", stages]
        environment = command.environment(order, **_ONE_THREAD)
        measure([*line, *some.arguments()], environment, log=order.out.with_suffix(".log"))
        tables[stages] = json.loads(order.out.read_text(encoding="ascii"))
    return tables


if __name__ == "__main__":
    main()
