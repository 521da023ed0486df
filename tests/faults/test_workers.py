"""Workers that are killed, stopped and asked to stop, in the middle of their jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.harness import Cluster, dice

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.conftest import Archive
    from tests.faults.harness import Labelling

pytestmark = pytest.mark.xdist_group("faults")


def test_a_worker_tree_is_killed(
    tmp_path: Path,
    ledger_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
    seed: int,
) -> None:
    """A worker that is killed with all its processes costs nothing but time."""
    archive, rng = archives(600), dice(seed)
    with Cluster(tmp_path / "cluster", ledger_url, workers=2) as cluster:
        labelling = cluster.label(archive.folder)
        labelling.until(rng.randrange(20, 100))
        labelling.fault(rng.choice(cluster.workers).kill)
        labelling.finish()
        verdict(labelling, archive)
