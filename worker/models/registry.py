"""The registry: from a saved artifact to a version, and which of the versions is live.

The log of activations is a stack: an activation pushes a version, a rollback goes back to the one
below. Publishing alone changes nothing for any worker.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from db.errors import UsageError
from db.store import models

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sqlalchemy import Connection

    from db.engine import Database
    from db.records import VersionRecord
    from db.store.models import ActivationRecord
    from worker.models.artifact import Artifact

_NUMBER = re.compile("[0-9]{1,18}")
_HASH = re.compile("[0-9a-f]{4,64}")


def register(connection: Connection, artifact: Artifact) -> VersionRecord:
    """Register a saved artifact as a version, within a transaction; the same one only once.

    Args:
        connection: in a transaction that may write.
        artifact: what was saved; its manifest names the parent by its hash.

    Returns:
        The version; it is not live.
    """
    manifest = artifact.manifest
    parents = models.by_hash(connection, manifest.parent) if manifest.parent else []
    return models.publish(
        connection,
        sha256=artifact.sha256,
        embedder=manifest.embedder.id,
        manifest=manifest.to_json(),
        parent_id=parents[0].id if parents else None,
    )


def publish(database: Database, artifact: Artifact) -> VersionRecord:
    """Register a saved artifact as a version, which is not live."""
    return database.commit(lambda connection: register(connection, artifact))


def check(database: Database, version_id: int, *, home: Path) -> None:
    """Prove that a version works on this machine: intact, with its backbone, golden faces right.

    Args:
        database: knows the version.
        version_id: its number.
        home: the folder that holds artifacts and backbones.

    Raises:
        UsageError: there is no such version.
        ModelError: the artifact or its backbone is missing or damaged, or gives other results.
    """
    from worker.models.live import load_proven

    with database.read() as connection:
        version = _require(connection, version_id)
    load_proven(version, home=home)


def activate(database: Database, version_id: int, *, why: str) -> None:
    """Make a version the live one; workers take it up between two jobs.

    `check` should have proven it first, as workers refuse a broken one.

    Args:
        database: keeps the log.
        version_id: the version's number.
        why: the reason, for the log.

    Raises:
        UsageError: there is no such version.
    """
    with database.write() as connection:
        _require(connection, version_id)
        models.activate(connection, version_id, why=why)


def previous(database: Database) -> VersionRecord:
    """The version that a rollback would go back to.

    Raises:
        UsageError: nothing else was live before.
    """
    with database.read() as connection:
        return _previous(connection)


def rollback(database: Database, *, why: str) -> VersionRecord:
    """Go back to what was live before the current version; twice goes back two steps.

    Args:
        database: keeps the log.
        why: the reason, for the log.

    Returns:
        The version that is live now.

    Raises:
        UsageError: nothing else was live before.
    """
    with database.write() as connection:
        version = _previous(connection)
        models.activate(connection, version.id, why=why, rollback=True)
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


def find(database: Database, name: str) -> VersionRecord:
    """A version as people name it.

    Args:
        database: knows the versions.
        name: a version's number, or the first digits of its artifact's hash.

    Raises:
        UsageError: no version, or more than one, goes by that name.
    """
    found: list[VersionRecord] = []
    with database.read() as connection:
        if _NUMBER.fullmatch(name):
            numbered = models.get(connection, int(name))
            found = [] if numbered is None else [numbered]
        if not found and _HASH.fullmatch(name):
            found = models.by_hash(connection, name)
    if not found:
        raise UsageError(f"there is no model version {name!r}; `kaolabel models` lists them all")
    if len(found) > 1:
        raise UsageError(f"{len(found)} model versions begin with {name!r}; give more digits")
    return found[0]


def _require(connection: Connection, version_id: int) -> VersionRecord:
    version = models.get(connection, version_id)
    if version is None:
        raise UsageError(
            f"there is no model version {version_id}; `kaolabel models` lists them all"
        )
    return version


def _previous(connection: Connection) -> VersionRecord:
    stack = _stack(models.log(connection))
    if len(stack) < 2:  # noqa: PLR2004  # the current one, and one below
        raise UsageError("there is no model to go back to: nothing else was live before")
    return _require(connection, stack[-2])


def _stack(log: Iterable[ActivationRecord]) -> list[int]:
    """Versions that rollbacks go through, the current one last."""
    stack: list[int] = []
    for line in log:
        if line.rollback:
            stack.pop()
        elif stack[-1:] != [line.version_id]:
            # Activating the live version again leaves nothing that one could go back to.
            stack.append(line.version_id)
    return stack
