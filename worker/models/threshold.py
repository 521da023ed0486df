"""A published model with another threshold for unknown faces."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from db.errors import UsageError
from worker.models import artifact as artifacts
from worker.models import registry

if TYPE_CHECKING:
    from pathlib import Path

    from db.engine import Database
    from db.records import VersionRecord


def publish_with(
    database: Database, version: VersionRecord, threshold: float, *, home: Path
) -> VersionRecord:
    """Publish a copy of a version that differs in its threshold alone; it is not live.

    Args:
        database: registers the copy.
        version: what to copy, the copy's parent.
        threshold: a confidence below it means unknown; 0 to 1.
        home: the folder that holds artifacts.

    Returns:
        The new version, or the one that was published so before.

    Raises:
        UsageError: the threshold is none, or the version's own.
        ModelError: the version's artifact is missing or damaged.
    """
    if not 0 <= threshold <= 1:
        raise UsageError(f"a threshold is a confidence from 0 to 1, not {threshold:g}")
    found = artifacts.load_stored(version.sha256, home=home)
    if found.manifest.threshold == threshold:
        raise UsageError(f"version {version.id} has the threshold {threshold:g} already")
    changed = _with(found, threshold, parent=version.sha256)
    artifacts.save(changed, artifacts.stored_path(changed.sha256, home=home))
    return registry.publish(database, changed)


def _with(found: artifacts.Artifact, threshold: float, *, parent: str) -> artifacts.Artifact:
    manifest = replace(
        found.manifest,
        threshold=threshold,
        parent=parent,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return replace(found, manifest=manifest, head=replace(found.head, threshold=threshold))
