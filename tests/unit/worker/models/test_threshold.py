"""A model with another threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from db.errors import UsageError
from tests.models import small_artifact
from worker.models import artifact as artifacts
from worker.models import registry
from worker.models.threshold import publish_with

if TYPE_CHECKING:
    from pathlib import Path

    from db.engine import Database
    from db.records import VersionRecord


def published(database: Database, home: Path) -> VersionRecord:
    """A version with the threshold 0.25."""
    artifact = small_artifact()
    artifacts.save(artifact, artifacts.stored_path(artifact.sha256, home=home))
    return registry.publish(database, artifact)


def test_a_copy_differs_in_its_threshold_alone(sqlite: Database, home: Path) -> None:
    """The copy is saved, registered below its parent, and not live."""
    version = published(sqlite, home)
    copy = publish_with(sqlite, version, 0.6, home=home)
    loaded = artifacts.load(artifacts.stored_path(copy.sha256, home=home), copy.sha256)
    assert (copy.parent_id, copy.active, copy.embedder) == (version.id, False, version.embedder)
    assert loaded.manifest.threshold == loaded.head.threshold == 0.6
    np.testing.assert_array_equal(loaded.head.weight, small_artifact().head.weight)


def test_the_same_copy_is_the_same_version(sqlite: Database, home: Path) -> None:
    """Asking twice makes one version."""
    version = published(sqlite, home)
    first = publish_with(sqlite, version, 0.6, home=home)
    assert publish_with(sqlite, version, 0.6, home=home).id == first.id


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), 0.25])
def test_a_threshold_must_be_new_and_a_confidence(
    sqlite: Database, home: Path, value: float
) -> None:
    """Anything else is a usage error, and nothing is published."""
    version = published(sqlite, home)
    with pytest.raises(UsageError, match="threshold"):
        publish_with(sqlite, version, value, home=home)
    with sqlite.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM model_versions").scalar() == 1
