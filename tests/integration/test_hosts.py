"""Workers on hosts of their own, which share nothing with the producer but network and files."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.lan.cluster import Cluster
from bench.lan.network import obstacle
from tests.drawing import face_png, plain_png
from tests.faults.haste import slow
from tests.postgres import import_server

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.xdist_group("hosts")

_SECONDS = 240.0


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Servers and two workers, each with a name and an address of its own."""
    why = obstacle()
    if why is not None:
        pytest.skip(why)
    import_server()
    # A short path, as a Unix socket lies in it, that the user of PostgreSQL may enter.
    with tempfile.TemporaryDirectory(prefix="kao-hosts-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        # Slow enough that no worker can do all jobs before the other one has got a message.
        with Cluster(folder, hooks=slow(0.02)) as cluster:
            cluster.add_workers(2)
            cluster.wait_for_workers()
            yield cluster


def fill(folder: Path, count: int) -> dict[bytes, str]:
    """An archive of drawn images; what should become of each."""
    folder.mkdir()
    expected = {}
    for number in range(count):
        has_face = number % 4 == 0
        path = folder / f"{number:04}.png"
        path.write_bytes((face_png if has_face else plain_png)(number))
        expected[path.name.encode()] = "faces" if has_face else "no_face"
    return expected


def test_two_hosts_share_an_archive(cluster: Cluster, tmp_path: Path) -> None:
    """Every image gets its one outcome from either of two hosts, and both have a part in it."""
    expected = fill(tmp_path / "archive", 320)
    command = cluster.label(tmp_path / "archive")
    assert command.wait(_SECONDS) == 0, command.log.read_text()
    images = cluster.rows("SELECT path, outcome FROM images WHERE NOT due")
    assert {bytes(path): outcome for path, outcome in images} == expected
    assert len(images) == 320
    assert cluster.query("SELECT count(*) FROM faces") == (80,)
    assert cluster.query("SELECT count(*) FROM jobs WHERE state <> 'done'") == (0,)
    hosts = {worker.partition(":")[0] for (worker,) in cluster.rows("SELECT worker FROM jobs")}
    assert hosts == {"worker00", "worker01"}
