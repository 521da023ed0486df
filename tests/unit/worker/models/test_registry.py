"""Publishing, activating, going back, and naming versions."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from db.errors import ModelError, UsageError
from db.store import models
from tests.models import publish_live, small_artifact, small_head
from worker.models import artifact as artifacts
from worker.models import registry
from worker.vision.embed import EmbedderSpec

if TYPE_CHECKING:
    from pathlib import Path

    from db.engine import Database
    from db.records import VersionRecord


def publish(database: Database, seed: int, *, parent: str | None = None) -> VersionRecord:
    """A registered version."""
    artifact = small_artifact(small_head(seed=seed), parent=parent)
    return registry.publish(database, artifact)


def live(database: Database) -> int | None:
    """The number of the live version."""
    version = registry.active(database)
    return None if version is None else version.id


def test_publishing_changes_nothing_that_is_live(database: Database) -> None:
    """A published version waits to be activated."""
    version = publish(database, 1)
    assert not version.active
    assert live(database) is None


def test_a_first_model_is_live_at_once(database: Database) -> None:
    """Publishing and activating in one step."""
    version = publish_live(database, small_artifact(), why="the first")
    assert live(database) == version.id


def test_the_manifest_names_the_parent(database: Database) -> None:
    """The parent's hash in the manifest becomes the number of its version."""
    parent = publish(database, 1)
    assert publish(database, 2, parent=parent.sha256).parent_id == parent.id
    assert publish(database, 3, parent="f" * 64).parent_id is None


def test_rollbacks_go_back_step_by_step(database: Database) -> None:
    """An activation pushes, a rollback pops: twice goes back two, and then one may go on."""
    a, b, c, d = (publish(database, seed) for seed in range(4))
    for version in (a, b, c):
        registry.activate(database, version.id, why="better")
    assert registry.previous(database).id == b.id
    assert registry.rollback(database, why="worse").id == b.id
    assert registry.rollback(database, why="worse still").id == a.id
    assert live(database) == a.id
    registry.activate(database, d.id, why="new")
    assert registry.rollback(database, why="no").id == a.id


def test_going_back_ends_somewhere(database: Database) -> None:
    """With nothing below the live version, a rollback says so and changes nothing."""
    with pytest.raises(UsageError, match="nothing else was live"):
        registry.rollback(database, why="why not")
    version = publish(database, 1)
    registry.activate(database, version.id, why="first")
    with pytest.raises(UsageError, match="nothing else was live"):
        registry.rollback(database, why="why not")
    assert live(database) == version.id


def test_activating_the_live_version_again_is_no_step(database: Database) -> None:
    """A rollback never goes back to what is live already."""
    a, b = publish(database, 1), publish(database, 2)
    for version in (a, b, b):
        registry.activate(database, version.id, why="again")
    assert registry.rollback(database, why="back").id == a.id


def test_every_step_is_in_the_log(database: Database) -> None:
    """Activations and rollbacks are kept with their reasons."""
    a, b = publish(database, 1), publish(database, 2)
    registry.activate(database, a.id, why="first")
    registry.activate(database, b.id, why="forced: second")
    registry.rollback(database, why="it calls everybody Aqua")
    with database.read() as connection:
        log = [(line.version_id, line.why, line.rollback) for line in models.log(connection)]
    assert log == [
        (a.id, "first", False),
        (b.id, "forced: second", False),
        (a.id, "it calls everybody Aqua", True),
    ]


def test_a_version_that_is_not_there_is_not_activated(database: Database) -> None:
    """A wrong number is a usage error."""
    with pytest.raises(UsageError, match="no model version 7"):
        registry.activate(database, 7, why="a guess")


def test_a_version_goes_by_number_or_hash(sqlite: Database) -> None:
    """Both name the same version."""
    version = publish(sqlite, 1)
    publish(sqlite, 2)
    assert registry.find(sqlite, str(version.id)) == version
    assert registry.find(sqlite, version.sha256[:8]) == version


@pytest.mark.parametrize(
    "name", ["", "9", "latest", "f" * 64, "9" * 30, "%", "\udcff", "12ab" * 20]
)
def test_what_names_no_version_is_a_usage_error(sqlite: Database, name: str) -> None:
    """Whatever is asked for, the answer is one clear line."""
    publish(sqlite, 1)
    with pytest.raises(UsageError, match="there is no model version"):
        registry.find(sqlite, name)


def test_a_prefix_of_two_versions_needs_more_digits(sqlite: Database) -> None:
    """An ambiguous hash is not guessed at."""
    with sqlite.write() as connection:
        for end in "01":
            models.publish(
                connection,
                sha256="ab" * 31 + f"0{end}",
                embedder="e",
                manifest="{}",
                parent_id=None,
            )
    with pytest.raises(UsageError, match="2 model versions begin"):
        registry.find(sqlite, "abab")


def test_a_version_without_its_files_fails_the_check(sqlite: Database, home: Path) -> None:
    """An artifact that is not on this machine is found out before anything is activated."""
    artifact = small_artifact()
    folder = artifacts.stored_path(artifact.sha256, home=home)
    artifacts.save(artifact, folder)
    version = registry.publish(sqlite, artifact)
    shutil.rmtree(folder)
    with pytest.raises(ModelError, match="cannot be used"):
        registry.check(sqlite, version.id, home=home)


def test_a_version_without_its_backbone_fails_the_check(sqlite: Database, home: Path) -> None:
    """An intact artifact is not enough."""
    artifact = small_artifact(spec=EmbedderSpec("file", "0" * 64, taps=("mixed1",)))
    artifacts.save(artifact, artifacts.stored_path(artifact.sha256, home=home))
    version = registry.publish(sqlite, artifact)
    with pytest.raises(ModelError, match="backbone weights"):
        registry.check(sqlite, version.id, home=home)
