"""The services of docker-compose.yml at work, as processes: what they run is what is run here."""

from __future__ import annotations

import contextlib
import json
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]  # psutil ships no types
import pytest
from sqlalchemy import make_url

from tests.crops import draw_crops
from tests.deploy import compose
from tests.deploy.native import Native
from tests.drawing import face_png, plain_png
from tests.postgres import import_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgres import Postgres

pytestmark = pytest.mark.xdist_group("deploy")

# Those that run always, and what others wait for; a GPU is not everywhere.
ALL = [
    name
    for name in compose.in_order(compose.services())
    if name in {*compose.ours(), "redis"} - {"worker-gpu", "kaolabel"}
]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Crops of three labels to learn from, and four scenes, two of them with a face."""
    folder = tmp_path_factory.mktemp("archive")
    draw_crops(folder / "crops", each=6)
    (folder / "scenes").mkdir()
    for number in range(4):
        draw = plain_png if number % 2 else face_png
        (folder / "scenes" / f"{number}.png").write_bytes(draw(number))
    return folder


@pytest.fixture(scope="module")
def native(
    tmp_path_factory: pytest.TempPathFactory, archive: Path, postgres: Postgres
) -> Iterator[Native]:
    """All services, started in the order that depends_on gives; what is left is killed."""
    binaries = Path(import_server().__file__).parent / "pginstall" / "bin"
    with postgres.lend(empty=True) as url:
        socket = str(make_url(url).query["host"])
        folder = tmp_path_factory.mktemp("services")
        services = Native(folder, archive, url, binaries=binaries, socket=socket)
        try:
            services.attend("postgres")
            for name in ALL:
                services.start(name)
            for name in services.running:
                services.attend(name)
            yield services
        finally:
            for child in services.running.values():
                child.kill()


def test_an_archive_is_labelled(native: Native) -> None:
    """In the order that it gives, all comes up, a trainer trains, and workers label an archive."""
    trained = native.run("train", "/archive/crops", "--crops", "--remote", "--json")
    assert trained.returncode == 0, trained.stderr
    labelled = native.run("label", "/archive/scenes", "--json")
    assert labelled.returncode == 0, labelled.stderr
    found = json.loads(labelled.stdout)
    assert (found["images"], found["with_face"], found["no_face"]) == (4, 2, 2)
    assert sum(found["labels"].values()) + found["unknown"] == 2


def test_the_metrics_are_there(native: Native) -> None:
    """What Prometheus asks for is answered where the file says that it is."""
    with urllib.request.urlopen(f"{native.address('9750')}metrics", timeout=30) as answer:  # noqa: S310  # loopback
        assert "kaolabel_" in answer.read().decode()


@pytest.mark.parametrize("name", ["postgres", *(name for name in ALL if name != "migrate")])
def test_everybody_is_healthy(native: Native, name: str) -> None:
    """Every health check succeeds while its service works."""
    assert native.healthy(name)


def test_everything_ends_when_told(native: Native) -> None:
    """SIGTERM ends every service well within the time that Compose gives it, children included."""
    families = {name: child.tree() for name, child in native.running.items()}
    for name in reversed(ALL):
        if name != "migrate":
            assert native.stop(name) == 0, native.log(name)
            # Beat's check is the broker's, and a worker that is gone is waited for.
            assert name in {"beat", "trainer"} or not native.healthy(name)
    gone, left = psutil.wait_procs([one for family in families.values() for one in family], 10)
    with contextlib.suppress(psutil.Error):
        assert not left, [one.cmdline() for one in left]
    assert gone
