"""What makes a quick test of one that would wait for a lease of half a minute to run out."""

from __future__ import annotations

from typing import Any

_SOONER = {
    "db.store.jobs.LEASE": 3.0,
    "worker.lease._RENEW_EVERY": 1.0,
    "worker.reconciler._EVERY": 0.5,
    "worker.reconciler._GAP": 2.0,
    "worker.reconciler._WAITING": 12.0,
    "worker.reconciler._WAITING_ON_EMPTY": 1.0,
}


def hasty(**hooks: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The hooks, and one more: leases run out, and the ledger is looked through, ten times sooner.

    Nothing else differs from what users have; thorough tests go without.
    """
    return {**hooks, "constants": _SOONER}


def slow(seconds: float = 0.1) -> dict[str, dict[str, Any]]:
    """The hook with which images take their time, so that a fault finds workers in their jobs."""
    return {"slow": {"seconds": seconds}}
