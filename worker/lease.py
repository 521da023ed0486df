"""A job's lease, renewed while the job is worked on."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Self

from sqlalchemy.exc import DBAPIError

from db.errors import KaolabelError
from db.logs.fields import carried
from db.outage import reason
from db.store import jobs

if TYPE_CHECKING:
    from db.engine import Database
    from db.records import Claim

logger = logging.getLogger(__name__)

_RENEW_EVERY = 10.0
# A renewal that failed is tried again sooner, as the lease is running out.
_RETRY_EVERY = 2.0
# Seconds for which the end of a job waits for a renewal that hangs on a dead connection.
_JOIN = 2.0


class LeaseLostError(KaolabelError):
    """Raised when a job was taken over by another worker, or its run was stopped."""


class Lease:
    """Renews a claim from a thread of its own, never past the task's hard time limit.

    Args:
        database: holds the claim.
        claim: what to renew.
        limit: seconds after which the claim is left to run out.
    """

    def __init__(self, database: Database, claim: Claim, *, limit: float) -> None:
        self._database = database
        self._claim = claim
        self._until = time.monotonic() + limit
        self._done = threading.Event()
        self._lost = False
        self._thread = threading.Thread(target=carried(self._renew), name="lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._done.set()
        # What is still renewed after that does nothing: the claim has ended by then.
        self._thread.join(_JOIN)

    def require(self) -> None:
        """Go on only while the job is this worker's.

        Raises:
            LeaseLostError: when it is not.
        """
        if self._lost:
            raise LeaseLostError(f"job {self._claim.job_id} is not this worker's any more")

    def _renew(self) -> None:
        pause = _RENEW_EVERY
        while not self._done.wait(pause):
            if time.monotonic() > self._until:
                return
            try:
                with self._database.write() as connection:
                    self._lost = not jobs.renew(connection, self._claim)
                pause = _RENEW_EVERY
            except DBAPIError as error:
                # The commit is fenced; until then a missed renewal only risks doing work twice.
                logger.warning("lease of job %d not renewed: %s", self._claim.job_id, reason(error))
                pause = min(_RETRY_EVERY, _RENEW_EVERY)
            if self._lost:
                return
