"""Every process of a cluster is killed, again and again, while one archive is labelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.cluster import Cluster
from tests.faults.haste import hasty, slow
from tests.faults.kills import KILLS
from tests.faults.labelling import Labelling, dice
from tests.faults.monkey import Monkey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.conftest import Archive
    from tests.faults.services import PostgresServer
    from tests.postgres import Postgres

pytestmark = pytest.mark.xdist_group("faults")


@pytest.mark.timeout(900)
def test_a_dozen_kills(
    tmp_path: Path,
    fault_postgres: tuple[PostgresServer, Postgres],
    postgres_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
    seed: int,
) -> None:
    """Every kind of process is killed twice within one run, and nothing is lost or doubled."""
    archive, folder = archives(600), tmp_path / "cluster"
    hooks = hasty(**slow(0.05))
    with Cluster(folder, postgres_url, workers=2, postgres=fault_postgres[0], hooks=hooks) as whole:
        labelling = whole.label(archive.folder)
        monkey = Monkey(labelling, dice(seed), KILLS)
        monkey.scatter(12, files=600, pause=1.0)
        verdict(labelling, archive)
    assert monkey.counts == dict.fromkeys(KILLS, 2)


@pytest.mark.thorough
@pytest.mark.timeout(3600)
def test_two_hundred_kills(
    tmp_path: Path,
    fault_postgres: tuple[PostgresServer, Postgres],
    postgres_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
    seed: int,
) -> None:
    """Two hundred kills of whatever is alive, within one run of 5,000 images, change no row."""
    archive, folder = archives(5000), tmp_path / "cluster"
    # As slow as makes two hundred kills fit into the run.
    hooks = slow(0.15)
    with Cluster(folder, postgres_url, workers=2, postgres=fault_postgres[0], hooks=hooks) as whole:
        labelling = whole.label(archive.folder)
        monkey = Monkey(labelling, dice(seed), KILLS)
        monkey.scatter(200, files=5000, pause=1.0)
        verdict(labelling, archive)
    assert monkey.counts.total() == 200
    assert min(monkey.counts[kind] for kind in KILLS) == 200 // len(KILLS)
