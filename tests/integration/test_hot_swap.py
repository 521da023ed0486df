"""Swapping models under a real worker: nothing is lost, nothing mixed, nothing broken gets in."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.swapping import LABELS, require_one_version_a_job, untrained, working
from worker.models import artifact as artifacts
from worker.models import registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgres import Postgres
    from tests.swapping import Station
    from worker.vision.embed import Embedder

# One process starts the workers for all of them.
pytestmark = [pytest.mark.xdist_group("hot-swap"), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    """The backbone of all the models."""
    return untrained(tmp_path_factory.mktemp("swaps"))


@pytest.fixture(scope="module")
def station(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    postgres: Postgres,
    embedder: Embedder,
) -> Iterator[Station]:
    """A worker on a database of the kind that the test names."""
    home = tmp_path_factory.mktemp(request.param)
    with (
        postgres.lend(empty=False) as url,
        working(home, url if request.param == "postgresql" else "", embedder) as station,
    ):
        yield station


@pytest.mark.parametrize("station", ["postgresql"], indirect=True)
def test_ten_swaps_under_load_lose_and_mix_nothing(station: Station) -> None:
    """Each activation reaches the busy worker, and every job keeps to one version."""
    versions = [station.publish(label) for label in LABELS]
    for turn in range(11):
        station.activate(versions[turn % 2])
        station.serve(versions[turn % 2])
    station.finish()
    require_one_version_a_job(station)
    by = station.ledger.rows("SELECT version_id FROM jobs ORDER BY finished_at")
    assert sum(one != other for one, other in pairwise(by)) == 10
    assert station.ledger.value("SELECT count(*) FROM refusals") == 0


@pytest.mark.parametrize("station", ["sqlite"], indirect=True)
def test_a_broken_model_never_serves(station: Station) -> None:
    """Torn files and wrong results are refused with a reason; the old model goes on, and back."""
    good, other = (station.publish(label) for label in LABELS)
    station.activate(good)
    station.serve(good)
    torn, liar = station.publish(LABELS[0], honest=False), station.publish(LABELS[1], honest=False)
    folder = artifacts.stored_path(torn.sha256, home=station.home)
    (folder / artifacts.EVIDENCE_FILE).write_bytes(b"torn")
    for broken, reason in ((torn, "cannot be read"), (liar, "golden face")):
        station.activate(broken)
        station.work_until(lambda broken=broken: bool(station.refusals(broken)))  # type: ignore[misc]  # mypy cannot infer a default
        assert reason in station.refusals(broken)[0]
        station.serve(good)
    registry.rollback(station.ledger.database, why="it is refused")
    registry.rollback(station.ledger.database, why="it is torn")
    station.serve(good)
    station.activate(other)
    station.serve(other)
    registry.rollback(station.ledger.database, why="it calls everybody Aqua")
    station.serve(good)
    station.finish()
    query = "SELECT count(*) FROM jobs WHERE version_id IN (:torn, :liar)"
    assert station.ledger.value(query, torn=torn.id, liar=liar.id) == 0
