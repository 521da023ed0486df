"""Workers whose clocks are wrong: the ledger's clock is the only one that counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.cluster import Cluster
from tests.faults.haste import hasty, slow
from tests.faults.hooks.clock import set_clocks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.conftest import Archive
    from tests.faults.labelling import Labelling

pytestmark = pytest.mark.xdist_group("faults")

_HOUR = 3600.0


@pytest.mark.parametrize(
    "jump",
    [
        pytest.param(_HOUR, id="forward"),
        pytest.param(-_HOUR, id="back", marks=pytest.mark.thorough),
    ],
)
def test_a_workers_clock_jumps_by_an_hour(
    tmp_path: Path,
    ledger_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
    jump: float,
) -> None:
    """No claim is lost and no lease outlives its holder, whatever time a worker believes it is."""
    archive = archives(100)
    hooks = hasty(**slow(), clock={"seconds": jump})
    with Cluster(tmp_path / "cluster", ledger_url, hooks=hooks) as cluster:
        labelling = cluster.label(archive.folder)
        labelling.until(20)
        labelling.fault(lambda: set_clocks(cluster.folder))
        labelling.until(50)
        assert cluster.value("SELECT max(attempts) FROM jobs") == 1
        labelling.fault(cluster.workers[0].kill)
        labelling.finish()
        verdict(labelling, archive)
        assert cluster.workers[0].starts == 2
