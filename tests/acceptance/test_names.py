"""Hostile bytes through the real command: nothing is lost, bent or left undone."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.command import Kaolabel

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def kaolabel(home: Path) -> Kaolabel:
    """The command in an empty home; as in most terminals, a byte that is not UTF-8 is refused."""
    return Kaolabel(home, PYTHONIOENCODING="utf-8:strict")


def label(kaolabel: Kaolabel, archive: bytes) -> dict[str, Any]:
    """Label an archive without a model; the summary."""
    return kaolabel.json("label", archive, "--detect-only")


def test_every_hostile_file_ends_in_one_outcome(kaolabel: Kaolabel, dev_data: Path) -> None:
    """Each has exactly one outcome, with a reason where no face is found, and no worker dies."""
    archive = dev_data / "data" / "hostile"
    files = {os.fsencode(path.relative_to(archive)) for path in archive.rglob("*")}
    summary = label(kaolabel, os.fsencode(archive))
    rows = kaolabel.query(
        "SELECT path, coalesce(images.outcome, detections.outcome),"
        " coalesce(images.reason, detections.reason), due"
        " FROM images LEFT JOIN detections ON detections.id = detection_id"
    )
    assert sorted(path for path, *_ in rows) == sorted(files)
    outcomes = Counter(outcome for _, outcome, _, _ in rows)
    assert outcomes.keys() <= {"faces", "no_face", "unreadable", "quarantined"}
    told = {name: summary[name] for name in ("no_face", "unreadable", "quarantined")}
    assert {name: outcomes[name] for name in told} == told
    assert summary["images"] == len(files) == sum(told.values()) + summary["with_face"]
    assert all(reason for _, outcome, reason, _ in rows if outcome != "faces")
    assert not any(due for *_, due in rows)
    assert kaolabel.query("SELECT DISTINCT state, attempts FROM jobs") == [("done", 1)]
    log = (kaolabel.home / "logs" / "worker.log").read_text(errors="replace")
    assert not [word for word in ("WorkerLost", "Traceback", "exited prematurely") if word in log]
