"""Poison at scale: some images in a large archive end whatever decoder opens them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.poisoned import poisoned, susceptible

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.conftest import Archive
    from tests.faults.labelling import Labelling

pytestmark = pytest.mark.xdist_group("faults")


@pytest.mark.parametrize(
    ("plain", "each"),
    [(0, 1), pytest.param(9_800, 25, marks=[pytest.mark.thorough, pytest.mark.timeout(1800)])],
)
def test_just_the_poison_is_quarantined(
    tmp_path: Path,
    sqlite_url: str,
    archives: Callable[[int], Archive],
    verdict: Callable[[Labelling, Archive], None],
    *,
    plain: int,
    each: int,
) -> None:
    """Images that crash, hang or exhaust decoders are quarantined, each with its reason.

    All the others have the faces that they have in an archive without poison, and the process that
    does the jobs lives through it.
    """
    counts = {"crash": each, "hang": each, "memory": each}
    archive = poisoned(archives(200), tmp_path / "archive", plain=plain, **counts)
    with susceptible(tmp_path / "cluster", sqlite_url) as cluster:
        (worker,) = cluster.workers
        labelling = cluster.label(archive.folder)
        labelling.until(1)
        children = {child.pid for child in worker.children}
        labelling.finish()
        labelling.faults = 3 * each
        verdict(labelling, archive)
        assert {child.pid for child in worker.children} == children
        assert worker.starts == 1
        assert cluster.value("SELECT max(attempts) FROM jobs") == 1
