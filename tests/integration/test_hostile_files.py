"""Files that were made to break decoders: each comes back with an outcome, and no process dies."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from db.records import Outcome
from worker.sandbox.limits import Limits, Order
from worker.sandbox.pool import DecoderPool
from worker.vision.chain import default_chain

if TYPE_CHECKING:
    from pathlib import Path


def test_hostile_files_come_back_with_an_outcome(dev_data: Path) -> None:
    """Broken and malicious images of many formats are read or refused, each with a reason."""
    files = sorted(path for path in (dev_data / "data" / "hostile").rglob("*") if path.is_file())
    if not files:
        pytest.skip("needs the hostile files of the development data")
    order = Order(default_chain(None).to_json(), Limits(seconds=60.0))
    with DecoderPool(order, decoders=2) as pool:
        reports = dict(pool.examine((path, path.read_bytes()) for path in files))
    assert reports.keys() == set(files)
    assert all(report.reason for report in reports.values() if not report.faces)
    outcomes = Counter(report.outcome for report in reports.values())
    assert outcomes[Outcome.QUARANTINED] == 0
    assert outcomes[Outcome.UNREADABLE] > 0
