"""What tests see of workers: their jobs, their logs, and what they have written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from tests.command import wait_for

if TYPE_CHECKING:
    import psutil  # type: ignore[import-untyped]  # psutil ships no types

    from tests.faults.cluster import Cluster
    from tests.faults.labelling import Labelling
    from tests.faults.services import Worker

# Everything that a job writes.
_WRITTEN = ("jobs", "images", "contents", "detections", "faces", "crops", "embeddings")


def wait_for_work(cluster: Cluster) -> psutil.Process:
    """Wait until a worker is in the middle of a job; its child, which holds the job."""
    return wait_for(lambda: _at_work(cluster), what="a child at work")[0]


def _at_work(cluster: Cluster) -> list[psutil.Process]:
    """Living children that hold jobs."""
    with cluster.database.read() as connection:
        names = connection.scalars(text("SELECT worker FROM jobs WHERE state = 'leased'")).all()
    holders = {int(name.rpartition(":")[2]) for name in names}
    children = [child for worker in cluster.workers for child in worker.children]
    return [child for child in children if child.pid in holders]


def written(cluster: Cluster) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that jobs have written so far."""

    def read(table: str) -> list[tuple[Any, ...]]:
        query = text(f"SELECT * FROM {table}")  # noqa: S608  # fixed names
        with cluster.database.read() as connection:
            return sorted(tuple(row) for row in connection.execute(query))

    return {table: read(table) for table in _WRITTEN}


def wait_for_log(workers: list[Worker], words: str) -> None:
    """Wait until one of the workers has said so."""
    wait_for(
        lambda: any(words in worker.log.read_text() for worker in workers),
        what=f"“{words}” in a worker's log",
    )


def assert_undisturbed(labelling: Labelling) -> None:
    """No claim was counted as lost, and neither a worker nor the command was started again."""
    cluster = labelling.cluster
    query = "SELECT max(attempts) FROM jobs WHERE run_id = :run"
    assert cluster.value(query, run=labelling.run) == 1, cluster.logs()
    assert [worker.starts for worker in cluster.workers] == [1] * len(cluster.workers)
    assert labelling.deaths == 0
