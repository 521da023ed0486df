"""One labelling of an archive by a cluster: how quickly it went, and what it took."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.lan.meter import look, read, used

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bench.lan.cluster import Cluster, Hooks
    from bench.lan.meter import Moment, Reading
    from tests.faults.services import Child

_TICK = 0.25

# The steady part of a run: before, workers wake up; after, there is not work for all.
_FIRST, _LAST = 0.25, 0.85

# Around the steady part.
_LEAST_READINGS = 2

_JOBS = """
SELECT worker, size, claimed_at, finished_at FROM jobs WHERE state = 'done' ORDER BY claimed_at
"""
_DONE = "SELECT coalesce(sum(size), 0) FROM jobs WHERE state = 'done'"
_OUTCOMES = "SELECT count(*) FROM images WHERE NOT due AND outcome IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Job:
    """A job that is done: by whom, of how many images, and from when to when in seconds."""

    worker: str
    size: int
    claimed_at: float
    finished_at: float


def label(
    cluster: Cluster,
    archive: Path,
    *,
    images: int,
    rest: float | None = None,
    hooks: Hooks | None = None,
) -> dict[str, Any]:
    """Label an archive into an empty ledger, and tell how that went.

    Args:
        cluster: with workers that are ready.
        archive: of `images` files.
        images: how many there are.
        rest: seconds that a decoder rests over an image; None where it computes.
        hooks: of the command; see `Cluster.label`.

    Returns:
        Images and jobs a second over the steady part of the run, the time between two jobs of a
        worker and of each job's own in milliseconds, and what `meter.used` tells of that part
        and of the whole run.

    Raises:
        SystemExit: when the command fails, or an image has no outcome.
    """
    cluster.forget()
    begin = read(cluster)
    command = cluster.label(archive, hooks=hooks)
    moments, readings = _watch(cluster, command, images)
    _check(cluster, command, images)
    jobs = [Job(*row) for row in cluster.rows(_JOBS)]
    steady = images_per_second(jobs)
    return {
        "workers": len(cluster.workers),
        "at_work": len({job.worker for job in jobs}),
        "images": images,
        "images_per_job": images / len(jobs),
        "images_s": steady,
        "jobs_s": steady * len(jobs) / images,
        "between_jobs_ms": 1000 * statistics.median(gaps(jobs) or [0.0]),
        "own_ms_per_job": None if rest is None else 1000 * own_time(jobs, rest),
        **_seen(moments),
        "used": used(readings[0], readings[1]),
        "whole": used(begin, readings[-1]),
    }


def idle(cluster: Cluster, *, seconds: float) -> dict[str, Any]:
    """What workers and servers use while there is nothing to do."""
    first = read(cluster)
    time.sleep(seconds)
    return {"workers": len(cluster.workers), "used": used(first, read(cluster))}


def images_per_second(jobs: Sequence[Job]) -> float:
    """The rate over the steady part; a job's images count as done evenly over its time."""
    edges = np.unique([moment for job in jobs for moment in (job.claimed_at, job.finished_at)])
    done = np.zeros(len(edges))
    for job in jobs:
        span = max(job.finished_at - job.claimed_at, 1e-6)
        done += job.size * np.clip((edges - job.claimed_at) / span, 0.0, 1.0)
    first, last = np.interp([_FIRST * done[-1], _LAST * done[-1]], done, edges)
    return float((_LAST - _FIRST) * done[-1] / max(last - first, 1e-6))


def gaps(jobs: Sequence[Job]) -> list[float]:
    """Seconds from the end of each job to its worker's next claim; jobs by their claims."""
    ended: dict[str, float] = {}
    found = []
    for job in jobs:
        if job.worker in ended:
            found.append(job.claimed_at - ended[job.worker])
        ended[job.worker] = job.finished_at
    return found


def own_time(jobs: Sequence[Job], rest: float) -> float:
    """Seconds of a job, in the median, in which its worker's decoder need not rest."""
    return statistics.median(job.finished_at - job.claimed_at - rest * job.size for job in jobs)


def warm_up(cluster: Cluster, archive: Path) -> None:
    """Label an archive again and again until each worker has done a job.

    Raises:
        SystemExit: when the command fails.
    """
    seen: set[str] = set()
    while len(seen) < len(cluster.workers):
        cluster.forget()
        command = cluster.label(archive)
        for _ in _ticks(cluster, command):
            pass
        if command.exit_code != 0:
            raise SystemExit(f"the command failed:\n{command.log.read_text()}")
        seen |= {row[0].partition(":")[0] for row in cluster.rows(_JOBS)}


def _watch(cluster: Cluster, command: Child, images: int) -> tuple[list[Moment], list[Reading]]:
    """Look on until the command ends: what was seen, and readings from the steady part on."""
    moments: list[Moment] = []
    readings: list[Reading] = []
    for done in _ticks(cluster, command):
        if not readings and done >= _FIRST * images:
            readings.append(read(cluster))
        if readings and done < _LAST * images:
            moments.append(look(cluster))
        elif readings:
            # Also later ones, as what the command has used is not to be had after its end.
            readings.append(read(cluster))
    if len(readings) < _LEAST_READINGS or readings[1].images == readings[0].images:
        raise SystemExit(
            f"the run cannot be measured: give it more images\n{command.log.read_text()}"
        )
    return moments, readings


def _ticks(cluster: Cluster, command: Child) -> Iterator[int]:
    """How many images are done, again and again until the command has ended."""
    while command.alive:
        yield int(cluster.query(_DONE)[0])
        time.sleep(_TICK)


def _check(cluster: Cluster, command: Child, images: int) -> None:
    (outcomes,) = cluster.query(_OUTCOMES)
    if command.exit_code != 0 or outcomes != images:
        raise SystemExit(
            f"exit code {command.exit_code}, {outcomes} of {images} images have an outcome:\n"
            f"{command.log.read_text()}"
        )


def _seen(moments: Sequence[Moment]) -> dict[str, float]:
    """What was seen of queue and servers in the steady part."""
    return {
        "queue_empty": sum(not moment.waiting for moment in moments) / max(len(moments), 1),
        "lock_waits": sum(moment.locked for moment in moments) / max(len(moments), 1),
        "connections": max((moment.connections for moment in moments), default=0),
        "redis_clients": max((moment.clients for moment in moments), default=0),
    }
