"""What `kaolabel models` shows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.table import Table

from db.store import models
from worker.models.history import minute

if TYPE_CHECKING:
    from rich.console import RenderableType

    from db.engine import Database
    from db.records import VersionRecord


def collect(database: Database) -> list[dict[str, Any]]:
    """All versions, oldest first, with what their manifests say."""
    with database.read() as connection:
        return [describe(version) for version in models.every(connection)]


def render(found: list[dict[str, Any]]) -> RenderableType:
    """The versions as a table for people."""
    if not found:
        return "No model yet: train one with `kaolabel train DIR`."
    table = Table("", "version", "trained", "labels", "hold-out", "backbone", "artifact")
    for version in found:
        holdout = version["holdout"]
        correct = f"{holdout['correct']}/{holdout['n']}" if holdout.get("n") else "none"
        table.add_row(
            "*" if version["active"] else "",
            str(version["version"]),
            version["created_at"],
            str(len(version["labels"])),
            correct,
            version["backbone"],
            version["sha256"][:12],
        )
    return table


def describe(version: VersionRecord) -> dict[str, Any]:
    """A version as a program reads it."""
    manifest = json.loads(version.manifest)
    return {
        "version": version.id,
        "active": version.active,
        "created_at": minute(version.created_at),
        "sha256": version.sha256,
        "embedder": version.embedder,
        "backbone": manifest["embedder"]["source"],
        "labels": manifest["labels"],
        "holdout": manifest["holdout"],
        "parent": version.parent_id,
    }
