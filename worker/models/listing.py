"""What `kaolabel models` shows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table

from db.store import models
from worker.models.history import minute

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from db.engine import Database
    from db.records import VersionRecord


def collect(database: Database) -> list[dict[str, Any]]:
    """All versions, oldest first, with what their manifests say and who refuses the live one."""
    with database.read() as connection:
        refused = models.refusals(connection)
        versions = models.every(connection)
    return [
        {
            **describe(version),
            "refused_by": [one.worker for one in refused if one.version_id == version.id],
        }
        for version in versions
    ]


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
    return Group(table, *_alerts(found))


def _alerts(found: list[dict[str, Any]]) -> Iterator[str]:
    for version in found:
        if version["refused_by"]:
            number, workers = version["version"], ", ".join(version["refused_by"])
            yield f"Version {number} is refused by {workers}, and the one before serves there:"
            yield f"`kaolabel models show {number}` says why."


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
