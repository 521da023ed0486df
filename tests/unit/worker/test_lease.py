"""A lease is renewed while its job is worked on, never past the hard limit."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from worker import lease
from worker.lease import Lease, LeaseLostError

if TYPE_CHECKING:
    from db.records import Claim
    from tests.ledger import Ledger


@pytest.fixture
def claim(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Claim:
    """A claim whose lease is about to end, and is renewed more often than in earnest."""
    monkeypatch.setattr(lease, "_RENEW_EVERY", 0.02)
    claim = ledger.take(ledger.run(), b"a")
    ledger.execute("UPDATE jobs SET lease_until = lease_until - 25")
    return claim


def left(ledger: Ledger) -> float:
    """Seconds since the claim until which it holds."""
    return float(ledger.value("SELECT lease_until - claimed_at FROM jobs"))


def wait_for_thread() -> None:
    """Wait until the renewing thread has ended by itself."""
    for thread in threading.enumerate():
        if thread.name == "lease":
            thread.join(20)


def test_a_lease_is_renewed(ledger: Ledger, claim: Claim) -> None:
    """While the block lasts the claim is extended, and holds on."""
    with Lease(ledger.database, claim, limit=60) as held:
        while left(ledger) < 29:
            pass
        held.require()


def test_a_lease_that_was_lost_is_told(ledger: Ledger, claim: Claim) -> None:
    """A worker whose job was taken over learns of it at its next look."""
    ledger.lose(claim.job_id)
    assert ledger.claim(claim.job_id, "somebody else") is not None
    with Lease(ledger.database, claim, limit=60) as held:
        wait_for_thread()
        with pytest.raises(LeaseLostError, match=f"job {claim.job_id} is not this worker's"):
            held.require()


def test_a_lease_ends_with_the_hard_limit(ledger: Ledger, claim: Claim) -> None:
    """A process that hangs does not hold its job for ever."""
    with Lease(ledger.database, claim, limit=-1) as held:
        wait_for_thread()
        held.require()
    assert left(ledger) < 6


def test_no_thread_is_left(ledger: Ledger, claim: Claim) -> None:
    """The renewing thread ends with the block."""
    with Lease(ledger.database, claim, limit=60):
        pass
    assert not any(thread.name == "lease" for thread in threading.enumerate())
