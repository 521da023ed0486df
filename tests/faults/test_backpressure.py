"""An archive far larger than the queue, which stays short, is interrupted, and gets done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]  # psutil ships no types
import pytest

from producer.enqueue import FIRST_WATER, HIGH_WATER
from tests.command import wait_for
from tests.faults.cluster import Cluster
from tests.faults.conftest import fill, undisturbed
from tests.faults.haste import slow
from tests.faults.labelling import Labelling, dice
from worker.broker.messages import LABEL_QUEUE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.conftest import Archive

pytestmark = pytest.mark.xdist_group("faults")

_CONTENTS, _LINKS = 500, 12

# The command and its libraries take a third of this; a list of all files would not.
_MEMORY = 300 * 1024**2


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """An archive of 6,000 files that are hard links to 500 images."""
    folder = tmp_path_factory.mktemp("linked")
    fill(folder / "images" / "00", _CONTENTS)
    for number in range(1, _LINKS):
        copy = folder / "images" / f"{number:02}"
        copy.mkdir()
        for original in (folder / "images" / "00").iterdir():
            (copy / original.name).hardlink_to(original)
    return undisturbed(folder / "home", folder / "images")


def test_the_queue_stays_short_while_nobody_works(
    tmp_path: Path, sqlite_url: str, linked: Archive
) -> None:
    """A command that has listed everything keeps a few jobs in flight, and little memory."""
    with Cluster(tmp_path / "cluster", sqlite_url) as cluster:
        cluster.workers[0].stop()
        labelling = cluster.label(linked.folder)
        walked = "SELECT walked FROM runs WHERE id = :run"
        wait_for(lambda: cluster.value(walked, run=labelling.run), what="the end of the walk")
        assert _depth(labelling) == (FIRST_WATER, FIRST_WATER)
        assert psutil.Process(labelling.command.pid).memory_info().rss < _MEMORY
        labelling.command.stop()


def test_a_large_run_is_interrupted_and_resumed(
    tmp_path: Path,
    sqlite_url: str,
    linked: Archive,
    verdict: Callable[[Labelling, Archive], None],
    seed: int,
) -> None:
    """After three times Ctrl-C and `resume`, all is done once, and the queue was never long."""
    rng, deepest = dice(seed), 0
    with Cluster(tmp_path / "cluster", sqlite_url, hooks=slow(0.02)) as cluster:
        labelling = cluster.label(linked.folder)
        marks = sorted(rng.sample(range(_CONTENTS * _LINKS), 3))
        for done in labelling.ticks():
            deepest = max(deepest, _depth(labelling)[1])
            if marks and done > marks[0] and labelling.driven:
                labelling.fault(labelling.interrupt, kind="interrupt")
                marks.pop(0)
        verdict(labelling, linked)
    assert deepest <= HIGH_WATER


def _depth(labelling: Labelling) -> tuple[int, int]:
    """Messages that wait, and jobs published and not done."""
    jobs = (
        "SELECT count(*) FROM jobs WHERE run_id = :run AND published_at IS NOT NULL"
        " AND state IN ('queued', 'leased')"
    )
    with labelling.cluster.redis.client() as client:
        waiting = int(client.llen(LABEL_QUEUE))
    return waiting, int(labelling.cluster.value(jobs, run=labelling.run))
