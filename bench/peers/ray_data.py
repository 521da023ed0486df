"""Ray Data with fused actors: each reads, decodes, detects, embeds and classifies a batch of paths.

    python -m bench.peers.ray_data ARCHIVE HOME OUT --stages plain|kaolabel [--processes 2]

Tuned as its users would: one actor a core, which holds detector and network for all batches; paths
travel, not pixels; batches large enough to fill those of the network, and enough of them for the
actors to end together; one thread a library in each actor; no dashboard. Runs in an environment of
its own, which bench/peers/ray_environment.py makes.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.peers.bare import own_labeller
from bench.peers.order import parser, read_order
from bench.peers.plain import plain_labeller
from bench.peers.result import Found, Result

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.peers.loop import Labeller
    from bench.peers.order import Order

    Batch = dict[str, Any]

_BATCH = 128
# What is sent are paths and boxes.
_STORE_BYTES = 128 * 1024 * 1024
_MAKERS: dict[str, Callable[[Order], Labeller]] = {
    "plain": plain_labeller,
    "kaolabel": own_labeller,
}


class Actor:
    """All stages in one of Ray's processes.

    Args:
        order: the work.
        stages: whose stages; `plain` or `kaolabel`.
    """

    def __init__(self, order: Order, stages: str) -> None:
        self._archive = order.archive
        self._labeller: Labeller = _MAKERS[stages](order)
        self._labeller.warm_up()

    def __call__(self, batch: Batch) -> Batch:
        """Label a batch of paths; one row a face, and one with the times."""
        started = time.monotonic()
        for path in batch["item"]:
            self._labeller.add(str(path), (self._archive / str(path)).read_bytes())
        faces = self._labeller.finish()
        rows = [(face.path, face.label, *face.box, 0.0, 0.0) for face in faces]
        rows.append(("", "", 0, 0, 0, 0, started, time.monotonic()))
        columns = ("path", "label", "x0", "y0", "x1", "y1", "started", "ended")
        return {
            name: np.array(values)
            for name, values in zip(columns, zip(*rows, strict=True), strict=True)
        }


def run(order: Order, stages: str) -> Result:
    """Label the order's images with a Ray of our own."""
    import ray  # type: ignore[import-not-found]  # it has an environment of its own

    ray.init(
        address="local",
        num_cpus=order.processes,
        object_store_memory=_STORE_BYTES,
        include_dashboard=False,
        configure_logging=True,
        logging_level="ERROR",
        log_to_driver=False,
        _temp_dir=str(order.out.parent / "ray"),
    )
    try:
        paths = order.paths()
        rows = _rows(order, paths, stages)
    finally:
        ray.shutdown()
    faces = tuple(_face(row) for row in rows if row["path"])
    times = [(row["started"], row["ended"]) for row in rows if not row["path"]]
    steady = max(end for _, end in times) - min(start for start, _ in times)
    return Result(len(paths), steady, faces)


def _rows(order: Order, paths: list[str], stages: str) -> list[dict[str, Any]]:
    import ray.data  # type: ignore[import-not-found]  # as above

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    # With few tasks in flight, batches go to whichever actor is free, and both end together.
    blocks = max(-(-len(paths) // _BATCH), order.processes)
    dataset = ray.data.from_items(paths, override_num_blocks=blocks).map_batches(
        Actor,
        fn_constructor_args=(order, stages),
        batch_size=_BATCH,
        compute=ray.data.ActorPoolStrategy(size=order.processes, max_tasks_in_flight_per_actor=2),
        num_cpus=1,
    )
    found: list[dict[str, Any]] = dataset.take_all()
    return found


def _face(row: dict[str, Any]) -> Found:
    box = int(row["x0"]), int(row["y0"]), int(row["x1"]), int(row["y1"])
    return Found(str(row["path"]), box, str(row["label"]))


if __name__ == "__main__":
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    command_line = parser(__doc__)
    command_line.add_argument("--stages", choices=sorted(_MAKERS), required=True)
    options = command_line.parse_args()
    work = read_order(options)
    run(work, options.stages).write(work.out)
