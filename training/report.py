"""What `kaolabel train` and `evaluate` say, to people and to programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from training.dataset import Skipped
    from training.evaluate import Evaluation
    from training.trainer import TrainedModel

# Skipped files that people are shown; programs get all.
_SHOWN = 10


def describe_training(version_id: int, trained: TrainedModel) -> dict[str, Any]:
    """A published model as a program reads it."""
    manifest = trained.artifact.manifest
    return {
        "version": version_id,
        "embedder": manifest.embedder.id,
        "backbone": manifest.embedder.source,
        "labels": list(manifest.labels),
        "faces": dict(manifest.labels),
        "holdout": dict(manifest.holdout),
        "threshold": manifest.threshold,
        "skipped": _skipped(trained.skipped),
        "artifact": trained.artifact.sha256,
        "active": True,
    }


def render_training(result: Mapping[str, Any]) -> RenderableType:
    """A published model as people read it."""
    table = Table("label", "faces", "held out", "right")
    per_label = result["holdout"].get("per_label", {})
    for label, faces in result["faces"].items():
        held = per_label.get(label, {"n": 0, "correct": 0})
        table.add_row(label, str(faces), str(held["n"]), str(held["correct"]))
    holdout = result["holdout"]
    measured = (
        f"{holdout['correct']}/{holdout['n']}" if holdout["n"] else "no faces to spare for it"
    )
    version, backbone = result["version"], result["backbone"]
    lines = [f"Version {version} is active; hold-out: {measured}; backbone: {backbone}."]
    if backbone == "seeded":
        lines.append("Its backbone is untrained: a fallback that needs no download, not the best.")
    return Group(table, *lines, *_skipped_lines(result["skipped"]))


def describe_evaluation(found: Evaluation) -> dict[str, Any]:
    """An evaluation as a program reads it."""
    score = found.score.to_json()
    return {
        "images": found.images,
        "with_face": found.with_face,
        "faces": found.faces,
        "top1": score["top1"],
        "n": score["n"],
        "correct": score["correct"],
        "per_label": score["per_label"],
        "unknown": found.unknown,
        "unknown_labels": list(found.unknown_labels),
        "skipped": _skipped(found.skipped),
    }


def render_evaluation(result: Mapping[str, Any]) -> RenderableType:
    """An evaluation as people read it."""
    table = Table("label", "images with a face", "right")
    for label, score in result["per_label"].items():
        table.add_row(label, str(score["n"]), str(score["correct"]))
    lines = [f"{result['correct']}/{result['n']} right, of {result['images']} images."]
    if result["unknown_labels"]:
        names = ", ".join(result["unknown_labels"])
        lines.append(f"The active model does not know {names}; those images count as wrong.")
    return Group(table, *lines, *_skipped_lines(result["skipped"]))


def _skipped(files: Sequence[Skipped]) -> list[dict[str, str]]:
    return [{"path": str(s.path), "reason": s.reason, "detail": s.detail} for s in files]


def _skipped_lines(files: Sequence[Mapping[str, str]]) -> list[str]:
    if not files:
        return []
    lines = [f"{len(files)} files were left out:"]
    lines += [f"  {file['path']}: {file['reason']}, {file['detail']}" for file in files[:_SHOWN]]
    if len(files) > _SHOWN:
        lines.append(f"  and {len(files) - _SHOWN} more (--json lists all)")
    return lines
