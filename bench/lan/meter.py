"""What each part of a cluster has used so far, and between two looks."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil  # type: ignore[import-untyped]  # psutil ships no types

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bench.lan.cluster import Cluster

PARTS = ("workers", "producer", "postgresql", "redis")

_POSTGRES = """
SELECT (SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = 'kaolabel'),
       (SELECT pg_current_wal_lsn() - '0/0'::pg_lsn),
       (SELECT count(*) FROM jobs WHERE state = 'done'),
       (SELECT coalesce(sum(size), 0) FROM jobs WHERE state = 'done')
"""

# Of one moment: connections, and who of them waits for a lock of another one.
_ACTIVITY = """
SELECT count(*), count(*) FILTER (WHERE wait_event_type = 'Lock')
FROM pg_stat_activity WHERE datname = 'kaolabel' AND backend_type = 'client backend'
AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """Totals since the start of each part.

    Attributes:
        at: seconds by the monotonic clock.
        cpu: CPU seconds of each of `PARTS`, with all their processes.
        transactions: that PostgreSQL has ended.
        wal: bytes that PostgreSQL has written ahead.
        commands: that Redis has carried out.
        packets: that went in and out of PostgreSQL's host and of Redis's, by part.
        jobs: done.
        images: of those jobs.
    """

    at: float
    cpu: Mapping[str, float]
    transactions: int
    wal: int
    commands: int
    packets: Mapping[str, int]
    jobs: int
    images: int


@dataclass(frozen=True, slots=True)
class Moment:
    """How things stand.

    Attributes:
        waiting: messages in the queue.
        connections: of kaolabel to PostgreSQL.
        locked: how many of those wait for a lock.
        clients: of Redis.
    """

    waiting: int
    connections: int
    locked: int
    clients: int


def read(cluster: Cluster) -> Reading:
    """Read all meters."""
    transactions, wal, jobs, images = cluster.query(_POSTGRES)
    info: Any = cluster.redis.client.info("stats")
    return Reading(
        at=time.monotonic(),
        cpu=_cpu(cluster.pids()),
        transactions=int(transactions),
        wal=int(wal),
        commands=int(info["total_commands_processed"]),
        packets={
            "postgresql": cluster.postgres.host.traffic,
            "redis": cluster.redis.host.traffic,
        },
        jobs=int(jobs),
        images=int(images),
    )


def look(cluster: Cluster) -> Moment:
    """Look at queue and connections."""
    connections, locked = cluster.query(_ACTIVITY)
    clients: Any = cluster.redis.client.info("clients")
    waiting: Any = cluster.redis.client.llen(cluster.queue)
    return Moment(int(waiting), int(connections), int(locked), int(clients["connected_clients"]))


def used(first: Reading, last: Reading) -> dict[str, Any]:
    """What was used between two readings, in all and by job and image."""
    seconds, jobs, images = last.at - first.at, last.jobs - first.jobs, last.images - first.images
    cpu = {part: last.cpu[part] - first.cpu[part] for part in PARTS}
    packets = {part: last.packets[part] - first.packets[part] for part in last.packets}
    return {
        "seconds": seconds,
        "jobs": jobs,
        "images": images,
        "cpu_share": {part: value / seconds for part, value in cpu.items()},
        "cpu_ms_per_job": {part: 1000 * value / max(jobs, 1) for part, value in cpu.items()},
        "cpu_ms_per_image": {part: 1000 * value / max(images, 1) for part, value in cpu.items()},
        "transactions_s": (last.transactions - first.transactions) / seconds,
        "transactions_per_job": (last.transactions - first.transactions) / max(jobs, 1),
        "wal_bytes_per_image": (last.wal - first.wal) / max(images, 1),
        "redis_commands_s": (last.commands - first.commands) / seconds,
        "redis_commands_per_job": (last.commands - first.commands) / max(jobs, 1),
        "packets_per_job": {part: value / max(jobs, 1) for part, value in packets.items()},
    }


def _cpu(roots: Mapping[str, Iterable[int]]) -> dict[str, float]:
    """CPU seconds of each part: its processes, what they started, and what has ended since."""
    part_of = {pid: part for part, pids in roots.items() for pid in pids}
    spent = dict.fromkeys(PARTS, 0.0)
    for one in psutil.process_iter(["pid", "ppid", "cpu_times"]):
        # Parents come before their children, as long as numbers do not wrap around.
        part = part_of.get(one.info["pid"]) or part_of.get(one.info["ppid"])
        if part is not None and one.info["cpu_times"] is not None:
            part_of[one.info["pid"]] = part
            spent[part] += sum(one.info["cpu_times"][:4])
    return spent
