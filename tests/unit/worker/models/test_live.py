"""The live model: another version is loaded and proven while the old one serves."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from db.errors import ModelError
from db.store import models
from tests.models import evidence_of, golden_faces, small_artifact, small_head
from worker.models import artifact as artifacts
from worker.models import backbone, listing, manifest, registry
from worker.models.live import LiveModel, Model
from worker.vision.embed import Embedder, EmbedderSpec

if TYPE_CHECKING:
    from pathlib import Path

    from db.engine import Database
    from db.records import VersionRecord

PATIENCE = 120.0


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    """The untrained backbone, built once for all tests."""
    home = tmp_path_factory.mktemp("backbone")
    spec = EmbedderSpec.of(backbone.obtain("seeded", home=home), taps=("mixed0",))
    return Embedder(spec, home=home)


class House:
    """A database and a folder with artifacts."""

    def __init__(self, database: Database, home: Path, embedder: Embedder) -> None:
        self.database = database
        self.home = home
        self.embedder = embedder
        self.live = LiveModel(database, home=home)

    def publish(self, seed: int, *, honest: bool = True) -> VersionRecord:
        """A saved and registered version; one that is not honest fails on its golden faces."""
        head, golden = small_head(256, seed=seed), golden_faces()
        said = head.confidences(self.embedder.embed(golden)) if honest else np.full((2, 2), 0.5)
        evidence = evidence_of(head, golden=golden, confidences=said)
        artifact = small_artifact(head, spec=self.embedder.spec, evidence=evidence)
        artifacts.save(artifact, artifacts.stored_path(artifact.sha256, home=self.home))
        return registry.publish(self.database, artifact)

    def activate(self, version: VersionRecord) -> None:
        """Make it the live version."""
        registry.activate(self.database, version.id, why="a test")

    def serve(self, seed: int = 1) -> VersionRecord:
        """A version that serves already."""
        version = self.publish(seed)
        self.activate(version)
        self.live._serving = Model(version.id, self.embedder, small_head(256, seed=seed))
        return version

    def now(self) -> int | None:
        """The number of the model for the next job, the database looked at again."""
        self.live._looked_at = float("-inf")
        model = self.live.current()
        return None if model is None else model.version_id

    def settle(self) -> int | None:
        """The number of the model for the next job, once nothing is being loaded any more."""
        deadline = time.monotonic() + PATIENCE
        found = self.now()
        while self.live._loading is not None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
            found = self.now()
        return found

    def refusals(self, version: VersionRecord) -> list[str]:
        """Why workers refuse a version."""
        with self.database.read() as connection:
            found = models.refusals(connection, version_id=version.id)
        return [refusal.reason for refusal in found]


@pytest.fixture
def house(sqlite: Database, home: Path, embedder: Embedder) -> House:
    """A house without a model."""
    return House(sqlite, home, embedder)


def test_without_an_activation_there_is_no_model(house: House) -> None:
    """A version that is only published serves nobody."""
    house.publish(1)
    assert house.now() is None


def test_the_first_model_is_there_at_once(house: House) -> None:
    """With nothing to serve in the meantime, the first job waits for its model."""
    version = house.publish(1)
    house.activate(version)
    assert house.now() == version.id
    assert house.live._loading is None


def test_what_was_prepared_serves_the_first_job(house: House) -> None:
    """A model that was loaded ahead is not loaded again, and counts as accepted."""
    version = house.publish(1)
    house.activate(version)
    house.live.prepare()
    house.live.settle()
    prepared = house.live._pinned
    assert prepared is not None
    assert house.live.current() is prepared
    assert house.refusals(version) == []


def test_nothing_is_prepared_without_an_activation(house: House) -> None:
    """A process that starts before the first training has no model, and asks again later."""
    house.live.prepare()
    house.live.settle()
    assert house.now() is None
    version = house.publish(1)
    house.activate(version)
    assert house.now() == version.id


def test_a_version_activated_meanwhile_is_served_instead(house: House) -> None:
    """What was prepared and is not wanted any more never serves."""
    first, second = house.publish(1), house.publish(2)
    house.activate(first)
    house.live.prepare()
    house.live.settle()
    house.activate(second)
    assert house.now() == second.id


def test_what_could_not_be_prepared_is_told_to_the_first_job(house: House) -> None:
    """A broken model ends no process ahead of its jobs; the first of them says why."""
    version = house.publish(1, honest=False)
    house.activate(version)
    house.live.prepare()
    house.live.settle()
    with pytest.raises(ModelError, match="golden face"):
        house.now()
    assert len(house.refusals(version)) == 1


def test_the_old_model_serves_until_the_new_one_is_proven(house: House) -> None:
    """An activation is followed in the background, and keeps the embedder that both have."""
    old, new = house.serve(1), house.publish(2)
    house.activate(new)
    assert house.now() == old.id
    assert house.settle() == new.id
    model = house.live.current()
    assert model is not None
    assert model.embedder is house.embedder
    np.testing.assert_array_equal(model.head.weight, small_head(256, seed=2).weight)


def test_a_damaged_version_leaves_the_old_one_serving(house: House) -> None:
    """A torn artifact is refused with a reason, and the old model goes on."""
    old, new = house.serve(1), house.publish(2)
    folder = artifacts.stored_path(new.sha256, home=house.home)
    (folder / artifacts.HEAD_FILE).write_bytes(b"torn")
    house.activate(new)
    assert house.settle() == old.id
    (reason,) = house.refusals(new)
    assert "cannot be read as safetensors" in reason


def test_a_version_of_a_newer_kaolabel_waits_for_an_upgrade(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its format is refused with a line for people, the old model serves until the upgrade."""
    old, known = house.serve(1), manifest.FORMAT
    monkeypatch.setattr(manifest, "FORMAT", known + 1)
    new = house.publish(2)
    monkeypatch.setattr(manifest, "FORMAT", known)
    house.activate(new)
    assert house.settle() == old.id
    (reason,) = house.refusals(new)
    words = f"it has format {known + 1}, and this kaolabel knows {known}; upgrade kaolabel here"
    assert reason.endswith(words)
    assert [one["version"] for one in listing.collect(house.database) if one["refused_by"]] == [
        new.id
    ]
    monkeypatch.setattr(manifest, "FORMAT", known + 1)
    upgraded = House(house.database, house.home, house.embedder)
    assert upgraded.now() == new.id
    assert house.refusals(new) == []


def test_a_version_that_computes_something_else_is_refused(house: House) -> None:
    """Golden faces that come out otherwise than at the training keep a version from serving."""
    old, new = house.serve(1), house.publish(2, honest=False)
    house.activate(new)
    assert house.settle() == old.id
    (reason,) = house.refusals(new)
    assert "golden face" in reason


def test_a_refused_version_is_not_tried_all_the_time(house: House) -> None:
    """Until some time has passed, the next job does not load it again."""
    house.serve(1)
    house.activate(house.publish(2, honest=False))
    house.settle()
    house.now()
    assert house.live._loading is None


def test_a_refused_version_is_tried_again_later(house: House) -> None:
    """A file that arrives late is found, and the refusal is taken back."""
    house.serve(1)
    new = house.publish(2)
    folder = artifacts.stored_path(new.sha256, home=house.home)
    shutil.move(folder, house.home / "elsewhere")
    house.activate(new)
    house.settle()
    assert len(house.refusals(new)) == 1
    shutil.move(house.home / "elsewhere", folder)
    house.live._retry = (house.live._retry[0], 0.0)
    assert house.settle() == new.id
    assert house.refusals(new) == []


def test_activating_a_refused_version_again_tries_it_at_once(house: House) -> None:
    """Who has mended a model need not wait."""
    house.serve(1)
    new = house.publish(2)
    folder = artifacts.stored_path(new.sha256, home=house.home)
    shutil.move(folder, house.home / "elsewhere")
    house.activate(new)
    house.settle()
    shutil.move(house.home / "elsewhere", folder)
    house.activate(new)
    assert house.settle() == new.id


def test_a_refused_version_can_be_replaced(house: House) -> None:
    """After a version that was refused, the next one serves."""
    house.serve(1)
    house.activate(house.publish(2, honest=False))
    house.settle()
    good = house.publish(3)
    house.activate(good)
    assert house.settle() == good.id


def test_a_version_that_is_overtaken_never_serves(house: House) -> None:
    """What is loaded when another version was activated meanwhile is dropped."""
    house.serve(1)
    second, third = house.publish(2), house.publish(3)
    house.activate(second)
    house.now()
    house.activate(third)
    served = set()
    while house.live._loading is not None:
        served.add(house.now())
    assert second.id not in served
    assert house.settle() == third.id


def test_without_an_older_model_a_broken_one_is_an_error(house: House) -> None:
    """The first model fails loudly, and the database says why."""
    version = house.publish(1)
    shutil.rmtree(artifacts.stored_path(version.sha256, home=house.home))
    house.activate(version)
    with pytest.raises(ModelError, match="cannot be used"):
        house.now()
    assert len(house.refusals(version)) == 1


def test_a_given_version_is_had_whatever_is_live(house: House) -> None:
    """Relabelling gets its version, with the embedder shared, and labelling keeps its own."""
    live, other = house.serve(1), house.publish(2)
    assert house.live.version(live.id) is house.live.current()
    model = house.live.version(other.id)
    assert (model.version_id, model.embedder is house.embedder) == (other.id, True)
    assert house.live.version(other.id) is model
    assert house.now() == live.id


def test_a_given_version_that_is_activated_serves_at_once(house: House) -> None:
    """What relabelling has loaded and proven needs no second load."""
    house.serve(1)
    other = house.publish(2)
    model = house.live.version(other.id)
    house.activate(other)
    house.now()
    assert house.live.current() is model


def test_a_given_version_that_is_broken_is_an_error(house: House) -> None:
    """Relabelling by a version that cannot be loaded says why."""
    house.serve(1)
    broken = house.publish(2, honest=False)
    with pytest.raises(ModelError, match=f"version {broken.id} does not prove itself"):
        house.live.version(broken.id)
    assert len(house.refusals(broken)) == 1
