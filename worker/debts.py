"""What a worker owes to jobs that it had to leave while the database was away."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from db.logs.fields import fields
from db.store import jobs

if TYPE_CHECKING:
    from db.engine import Database
    from db.records import Claim

logger = logging.getLogger(__name__)


class Debts:
    """Claims that an outage ended, and whose attempts shall not count."""

    def __init__(self) -> None:
        self._owed: list[tuple[Claim, str]] = []

    def note(self, claim: Claim, error: str) -> None:
        """Owe the job of a claim its attempt, as it cannot be given back now."""
        self._owed.append((claim, error))

    def pay(self, database: Database) -> None:
        """Give back what is owed.

        Raises:
            UnavailableError: when the database is still away; the rest stays owed.
        """
        while self._owed:
            claim, error = self._owed[0]
            database.commit(partial(jobs.repay, claim=claim, error=error))
            logger.info(
                "job %d got back the attempt that an outage cost",
                claim.job_id,
                extra=fields(run=claim.run.id, job=claim.job_id),
            )
            self._owed.pop(0)
