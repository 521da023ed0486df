"""Publishing artifacts: from a folder to a version that workers load."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db.errors import UsageError
from db.store import models

if TYPE_CHECKING:
    from db.engine import Database
    from db.records import VersionRecord
    from worker.models.artifact import Artifact


def publish(database: Database, artifact: Artifact, *, why: str) -> VersionRecord:
    """Register a saved artifact as a version and activate it, in one transaction."""
    with database.write() as connection:
        parent = models.active(connection)
        version = models.publish(
            connection,
            sha256=artifact.sha256,
            embedder=artifact.manifest.embedder.id,
            manifest=artifact.manifest.to_json(),
            parent_id=None if parent is None else parent.id,
        )
        models.activate(connection, version.id, why=why)
    return version


def active(database: Database) -> VersionRecord | None:
    """The active version, if any."""
    with database.read() as connection:
        return models.active(connection)


def require_active(database: Database) -> VersionRecord:
    """The active version.

    Raises:
        UsageError: when there is none; says how to train one.
    """
    version = active(database)
    if version is None:
        raise UsageError(
            "there is no active model: train one with `kaolabel train DIR`, where DIR holds a"
            " folder of images for each label (or store faces for later with --detect-only)"
        )
    return version
