"""The processes of a cluster that SIGKILL can hit, whichever of them are alive right now."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]  # psutil ships no types

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from tests.faults.labelling import Labelling
    from tests.faults.monkey import Aim


def _worker(labelling: Labelling, rng: Random) -> Callable[[], object] | None:
    living = [worker for worker in labelling.cluster.workers if worker.alive]
    return rng.choice(living).kill if living else None


def _child(labelling: Labelling, rng: Random) -> Callable[[], object] | None:
    return _kill_one([one for worker in labelling.cluster.workers for one in worker.children], rng)


def _decoder(labelling: Labelling, rng: Random) -> Callable[[], object] | None:
    return _kill_one([one for worker in labelling.cluster.workers for one in worker.decoders], rng)


def _redis(labelling: Labelling, _rng: Random) -> Callable[[], object] | None:
    redis = labelling.cluster.redis
    return redis.kill if redis.alive else None


def _producer(labelling: Labelling, _rng: Random) -> Callable[[], object] | None:
    return labelling.command.kill if labelling.command.alive else None


def _postgres(labelling: Labelling, _rng: Random) -> Callable[[], object] | None:
    postgres = labelling.cluster.postgres
    return postgres.kill if postgres is not None and postgres.alive else None


# Every process of a cluster, by the name under which its deaths are counted.
KILLS: dict[str, Aim] = {
    "worker": _worker,
    "pool child": _child,
    "decoder": _decoder,
    "redis": _redis,
    "producer": _producer,
    "postgres": _postgres,
}


def _kill_one(processes: list[psutil.Process], rng: Random) -> Callable[[], object] | None:
    if not processes:
        return None
    victim = rng.choice(processes)

    def kill() -> None:
        with suppress(psutil.NoSuchProcess):
            victim.kill()

    return kill
