"""What `kaolabel train` and `evaluate` say, to people and to programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table

from db.records import TrainingState
from db.store import models
from worker.models.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType
    from sqlalchemy import Connection

    from db.records import TrainingRecord, VersionRecord
    from training.dataset import Skipped
    from training.evaluate import Evaluation
    from training.run import Outcome

# Skipped files that people are shown; programs get all.
_SHOWN = 10


def describe_outcome(outcome: Outcome) -> dict[str, Any]:
    """A training that ended here, as a program reads it."""
    return {
        "training": outcome.training_id,
        "state": str(TrainingState.DONE),
        **_model(outcome.version),
        "skipped": _skipped(outcome.trained.skipped),
        "active": outcome.verdict.activates,
        "verdict": str(outcome.verdict),
        "gate": outcome.verdict.to_json(),
    }


def render_outcome(result: Mapping[str, Any]) -> RenderableType:
    """A training that ended here, as people read it."""
    return Group(_faces(result), *_lines(result), *_skipped_lines(result["skipped"]))


def describe_record(connection: Connection, record: TrainingRecord) -> dict[str, Any]:
    """A training that a trainer elsewhere did, or will do, as a program reads it."""
    told = {"training": record.id, "state": str(record.state), "verdict": record.verdict}
    version = None if record.version_id is None else models.get(connection, record.version_id)
    return told if version is None else {**told, **_model(version), "active": version.active}


def render_record(result: Mapping[str, Any]) -> RenderableType:
    """A training that a trainer elsewhere did, or will do, as people read it."""
    if "version" not in result:
        return f"Training {result['training']} waits for a trainer; `kaolabel status` follows it."
    return Group(_faces(result), *_lines(result))


def _model(version: VersionRecord) -> dict[str, Any]:
    manifest = Manifest.from_json(version.manifest)
    return {
        "version": version.id,
        "embedder": manifest.embedder.id,
        "backbone": manifest.embedder.source,
        "labels": list(manifest.labels),
        "faces": dict(manifest.labels),
        "holdout": dict(manifest.holdout),
        "threshold": manifest.threshold,
        "artifact": version.sha256,
    }


def _faces(result: Mapping[str, Any]) -> Table:
    table = Table("label", "faces", "held out", "right")
    per_label = result["holdout"].get("per_label", {})
    for label, faces in result["faces"].items():
        held = per_label.get(label, {"n": 0, "correct": 0})
        table.add_row(label, str(faces), str(held["n"]), str(held["correct"]))
    return table


def _lines(result: Mapping[str, Any]) -> list[str]:
    holdout = result["holdout"]
    measured = (
        f"{holdout['correct']}/{holdout['n']}{_interval(holdout)}"
        if holdout["n"]
        else "no faces to spare for it"
    )
    version, backbone = result["version"], result["backbone"]
    state = "active" if result["active"] else "published, not active"
    lines = [
        f"Version {version} is {state}; hold-out: {measured}; backbone: {backbone}.",
        f"The gate: {result['verdict']}.",
    ]
    if backbone == "seeded":
        lines.append("Its backbone is untrained; `drawn`, which comes with kaolabel, sees more.")
    return lines


def describe_evaluation(found: Evaluation) -> dict[str, Any]:
    """An evaluation as a program reads it."""
    return {
        "images": found.images,
        "with_face": found.with_face,
        "faces": found.faces,
        **found.judged,
        # Other than in a hold-out, where it tells how well strangers are rejected.
        "unknown": found.unknown,
        "unknown_labels": list(found.unknown_labels),
        "skipped": _skipped(found.skipped),
    }


def render_evaluation(result: Mapping[str, Any]) -> RenderableType:
    """An evaluation as people read it."""
    table = Table("label", "images with a face", "right")
    for label, score in result["per_label"].items():
        table.add_row(label, str(score["n"]), str(score["correct"]))
    lines = [
        f"{result['correct']}/{result['n']} right{_interval(result)}, of {result['images']} images."
    ]
    if result["unknown_labels"]:
        names = ", ".join(result["unknown_labels"])
        lines.append(f"The active model does not know {names}; those images count as wrong.")
    return Group(table, *lines, *_skipped_lines(result["skipped"]))


def _interval(judged: Mapping[str, Any]) -> str:
    """How sure the share of right labels is, in brackets."""
    if not judged.get("wilson"):
        return ""
    low, high = judged["wilson"]
    return f" (95% interval {low:.0%} to {high:.0%})"


def _skipped(files: Sequence[Skipped]) -> list[dict[str, str]]:
    return [{"path": s.origin, "reason": s.reason, "detail": s.detail} for s in files]


def _skipped_lines(files: Sequence[Mapping[str, str]]) -> list[str]:
    if not files:
        return []
    lines = [f"{len(files)} files were left out:"]
    lines += [f"  {file['path']}: {file['reason']}, {file['detail']}" for file in files[:_SHOWN]]
    if len(files) > _SHOWN:
        lines.append(f"  and {len(files) - _SHOWN} more (--json lists all)")
    return lines
