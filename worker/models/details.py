"""What `kaolabel models show` tells of one version."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table

from db.store import models
from worker.models import history, listing
from worker.models.confusion import Confusion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import RenderableType

    from db.engine import Database
    from db.records import VersionRecord

# Mistakes that people are shown; the picture and programs get all.
_SHOWN = 10


def collect(database: Database, version: VersionRecord) -> dict[str, Any]:
    """Everything that is known of a version, as a program reads it."""
    manifest = json.loads(version.manifest)
    with database.read() as connection:
        log = models.log(connection)
        refusals = models.refusals(connection, version_id=version.id)
    told = ("threshold", "temperature", "background", "rejects", "training", "seed", "kaolabel")
    return {
        **listing.describe(version),
        **{name: manifest.get(name) for name in told},
        "taps": manifest["embedder"]["taps"],
        "size": manifest["embedder"]["size"],
        "activations": [history.describe(line) for line in log if line.version_id == version.id],
        "refusals": [
            {"worker": one.worker, "at": history.minute(one.at), "reason": one.reason}
            for one in refusals
        ],
    }


def render(found: Mapping[str, Any]) -> RenderableType:
    """A version as people read it."""
    return Group(
        *_origin(found),
        _labels(found),
        *_quality(found["holdout"]),
        *_settings(found),
        *_life(found),
    )


def _origin(found: Mapping[str, Any]) -> Iterator[str]:
    state = "live" if found["active"] else "not live"
    yield f"Version {found['version']}, {state}; trained {found['created_at']} UTC"
    yield f"Artifact: {found['sha256']}"
    parent = found["parent"]
    yield "Parent: none" if parent is None else f"Parent: version {parent}"
    yield f"Embedder: {found['embedder']} (backbone: {found['backbone']})"


def _labels(found: Mapping[str, Any]) -> Table:
    table = Table("label", "faces", "held out", "right", "recall", "precision")
    judged = found["holdout"].get("per_label", {})
    for label, faces in found["labels"]:
        score = judged.get(label, {})
        table.add_row(
            label,
            str(faces),
            str(score.get("n", 0)),
            str(score.get("correct", 0)),
            _percent(score.get("recall")),
            _percent(score.get("precision")),
        )
    return table


def _quality(holdout: Mapping[str, Any]) -> Iterator[str]:
    if not holdout.get("n"):
        yield "Hold-out: none"
        return
    line = f"Hold-out: {holdout['correct']} of {holdout['n']} right"
    if holdout.get("wilson"):
        low, high = holdout["wilson"]
        line += f" (95% interval {_percent(low)} to {_percent(high)})"
    yield line
    if holdout.get("calibration_error") is not None:
        yield f"Calibration error: {holdout['calibration_error']:.3f}"
    if holdout.get("unknown"):
        yield _strangers(holdout["unknown"])
    yield from _mistakes(holdout)


def _strangers(unknown: Mapping[str, Any]) -> str:
    """How well the confidence tells strangers from known faces."""
    parts = []
    if unknown.get("auroc") is not None:
        parts.append(f"AUROC {unknown['auroc']:.3f}")
    if unknown.get("rejected_at_95") is not None:
        kept = f"{_percent(unknown['rejected_at_95'])} rejected where 95% of the known are kept"
        parts.append(kept)
    if unknown.get("rejected_at_threshold") is not None:
        kept = _percent(unknown.get("kept_at_threshold"))
        parts.append(f"{_percent(unknown['rejected_at_threshold'])} at the threshold, {kept} kept")
    if unknown.get("n_unknown"):
        parts.append(f"{unknown['n_unknown']} strangers, {unknown.get('n_known', 0)} known")
    how = f" ({unknown['how']})" if unknown.get("how") else ""
    return f"Unknown faces: {', '.join(parts) or 'not measured'}{how}"


def _mistakes(holdout: Mapping[str, Any]) -> Iterator[str]:
    confusion = Confusion.of(holdout)
    mistakes = confusion.mistakes() if confusion else []
    for true, given, faces in mistakes[:_SHOWN]:
        yield f"  {true} was called {given}: {faces}"
    if len(mistakes) > _SHOWN:
        yield f"  and {len(mistakes) - _SHOWN} more; --confusion FILE.svg draws them all"


def _settings(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"Threshold: {found['threshold']:g}, temperature {found['temperature']:g}"
    settings = {**found["training"], "seed": found["seed"], "kaolabel": found["kaolabel"]}
    yield "Training: " + ", ".join(f"{name} {value}" for name, value in settings.items())


def _life(found: Mapping[str, Any]) -> Iterator[str]:
    for line in found["activations"]:
        step = "gone back to" if line["rollback"] else "activated"
        yield f"{line['at']} {step}: {line['why']}"
    for one in found["refusals"]:
        yield f"{one['at']} refused by {one['worker']}: {one['reason']}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
