"""What happens to a cluster besides death: silence, cuts, frozen processes, polite requests."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]  # psutil ships no types
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from random import Random

    from tests.faults.labelling import Labelling
    from tests.faults.monkey import Aim
    from tests.faults.proxy import Proxy
    from tests.faults.services import PostgresServer, Worker


def _stopped_worker(labelling: Labelling, rng: Random) -> Callable[[], object] | None:
    worker = _living(labelling, rng)
    if worker is None:
        return None
    # Up to some time after its leases ran out, so that it wakes up to find its job taken.
    return lambda: _hold(_stopped(worker), rng.uniform(2.0, 40.0))


def _drained_worker(labelling: Labelling, rng: Random) -> Callable[[], object] | None:
    worker = _living(labelling, rng)
    return None if worker is None else lambda: worker.signal(signal.SIGTERM)


def _emptied_redis(labelling: Labelling, _rng: Random) -> Callable[[], object] | None:
    def flush() -> None:
        with suppress(RedisError), labelling.cluster.redis.client() as client:
            client.flushall()

    return flush


def _lost_packets(labelling: Labelling, rng: Random) -> Callable[[], object] | None:
    proxies = labelling.cluster.proxies
    return lambda: _hold(_silence(rng.choice(proxies)), rng.uniform(1.0, 20.0))


def _cut_connections(labelling: Labelling, _rng: Random) -> Callable[[], object] | None:
    def cut() -> None:
        for proxy in labelling.cluster.proxies:
            proxy.cut()

    return cut


def _frozen_postgres(labelling: Labelling, rng: Random) -> Callable[[], object] | None:
    postgres = labelling.cluster.postgres
    if postgres is None or not postgres.alive:
        return None
    return lambda: _hold(_frozen(postgres), rng.uniform(1.0, 20.0))


def _interrupted_producer(labelling: Labelling, _rng: Random) -> Callable[[], object] | None:
    return labelling.interrupt if labelling.driven else None


# What else happens to clusters; needs one on PostgreSQL behind proxies.
HARM: dict[str, Aim] = {
    "worker stopped": _stopped_worker,
    "worker drained": _drained_worker,
    "redis emptied": _emptied_redis,
    "packets lost": _lost_packets,
    "connections cut": _cut_connections,
    "postgres frozen": _frozen_postgres,
    "producer interrupted": _interrupted_producer,
}


def _living(labelling: Labelling, rng: Random) -> Worker | None:
    living = [worker for worker in labelling.cluster.workers if worker.alive]
    return rng.choice(living) if living else None


def _hold(state: AbstractContextManager[None], seconds: float) -> None:
    with state:
        time.sleep(seconds)


@contextmanager
def _stopped(worker: Worker) -> Iterator[None]:
    family = worker.tree()
    try:
        _signal(family, signal.SIGSTOP)
        yield
    finally:
        _signal(family, signal.SIGCONT)


@contextmanager
def _silence(proxy: Proxy) -> Iterator[None]:
    try:
        proxy.drop()
        yield
    finally:
        proxy.restore()


@contextmanager
def _frozen(postgres: PostgresServer) -> Iterator[None]:
    try:
        postgres.freeze()
        yield
    finally:
        postgres.thaw()


def _signal(family: list[psutil.Process], number: int) -> None:
    for one in family:
        with suppress(psutil.NoSuchProcess):
            one.send_signal(number)
