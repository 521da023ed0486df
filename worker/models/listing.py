"""What `kaolabel models` shows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.table import Table

from db.store import models

if TYPE_CHECKING:
    from rich.console import RenderableType

    from db.engine import Database
    from db.records import VersionRecord


def collect(database: Database) -> list[dict[str, Any]]:
    """All versions, oldest first, with what their manifests say."""
    with database.read() as connection:
        return [_describe(version) for version in models.every(connection)]


def render(found: list[dict[str, Any]]) -> RenderableType:
    """The versions as a table for people."""
    if not found:
        return "No model yet: train one with `kaolabel train DIR`."
    table = Table("", "version", "trained", "labels", "hold-out", "backbone", "artifact")
    for version in found:
        holdout = version["holdout"]
        correct = f"{holdout['correct']}/{holdout['n']}" if holdout["n"] else "none"
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


def _describe(version: VersionRecord) -> dict[str, Any]:
    manifest = json.loads(version.manifest)
    created = datetime.fromtimestamp(version.created_at, UTC)
    return {
        "version": version.id,
        "active": version.active,
        "created_at": created.strftime("%Y-%m-%d %H:%M"),
        "sha256": version.sha256,
        "embedder": version.embedder,
        "backbone": manifest["embedder"]["source"],
        "labels": manifest["labels"],
        "holdout": manifest["holdout"],
        "parent": version.parent_id,
    }
