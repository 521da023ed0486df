"""One job from claim to commit, and what each way to fail means for the ledger."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from db.engine import is_transient
from db.errors import ArchiveGoneError, KaolabelError
from db.records import RelabelRecord
from db.store import faces, images, jobs, results, runs
from worker import pipeline
from worker.lease import Lease, LeaseLostError
from worker.relabelling import relabel

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from db.engine import Database
    from db.records import Claim, DetectionRecord, RunRecord, StoredFace
    from worker.context import Context
    from worker.models.live import Model

logger = logging.getLogger(__name__)

# Seconds before a job that this worker cannot do is offered again.
_REFUSED_DELAY = 5.0


def run_job(context: Context, job_id: int) -> str:
    """Do a job, if it is still to be done; what became of it, in one word, for the log."""
    database = context.database
    claim = database.commit(lambda connection: jobs.claim(connection, job_id, worker=context.name))
    if claim is None:
        return "not claimable"
    try:
        with Lease(database, claim, limit=context.job_limit) as lease:
            if isinstance(claim.run, RelabelRecord):
                relabel(context, claim, claim.run, lease)
            else:
                _label(context, claim, claim.run, lease)
    except (LeaseLostError, jobs.FencedError) as error:
        logger.warning("%s", error)
        _give_back(database, claim, "the run was stopped", refund=True)
        return "lost"
    except ArchiveGoneError as error:
        _stop_run(database, claim, str(error))
        return "stopped"
    except (KaolabelError, DBAPIError) as error:
        if isinstance(error, DBAPIError) and not is_transient(error):
            _fail(database, claim, error)
            raise
        # Neither a missing model or detector nor a server that is away is the job's fault.
        _give_back(database, claim, _one_line(error), refund=True, delay=_REFUSED_DELAY)
        return "refused"
    except Exception as error:
        _fail(database, claim, error)
        raise
    return "done"


def _label(context: Context, claim: Claim, run: RunRecord, lease: Lease) -> None:
    database = context.database
    context.require_chain(run.chain_id)
    model = None if run.detect_only else context.live.current()
    with database.read() as connection:
        todo = images.of_job(connection, claim.job_id)
    result = pipeline.label(
        todo,
        root=run.root,
        ledger=JobLedger(database, run.chain_id, lease),
        pool=context.pool(model),
        model=model,
        max_file_bytes=context.settings.max_file_bytes,
    )
    database.commit(lambda connection: results.commit(connection, claim, result))


class JobLedger:
    """The pipeline's questions, answered from the database for one job."""

    def __init__(self, database: Database, chain_id: str, lease: Lease) -> None:
        self._database = database
        self._chain_id = chain_id
        self._lease = lease

    def hashes(self, content_ids: Sequence[int]) -> dict[int, bytes]:
        """The hash of each of the contents."""
        with self._database.read() as connection:
            return results.hashes(connection, content_ids)

    def known(self, sha256s: Iterable[bytes]) -> dict[bytes, DetectionRecord]:
        """The detection by the run's chain of each hash that has one."""
        with self._database.read() as connection:
            return results.known(connection, self._chain_id, sha256s)

    def unscored(self, detection_ids: Sequence[int], model: Model) -> Iterable[StoredFace]:
        """Faces of the detections without a prediction by the model."""
        with self._database.read() as connection:
            return list(
                faces.unscored(
                    connection,
                    detection_ids,
                    version_id=model.version_id,
                    embedder=model.embedder.spec.id,
                )
            )

    def still_mine(self) -> None:
        """Raise LeaseLostError when the job was taken over or its run was stopped."""
        self._lease.require()


def _stop_run(database: Database, claim: Claim, reason: str) -> None:
    logger.error("run %d is stopped: %s", claim.run.id, reason)
    _give_back(database, claim, reason, refund=True)
    database.commit(lambda connection: runs.stop(connection, claim.run.id, reason=reason))


def _give_back(
    database: Database, claim: Claim, error: str, *, refund: bool, delay: float = 0.0
) -> None:
    logger.warning("job %d is given back: %s", claim.job_id, error)
    database.commit(
        lambda connection: jobs.release(connection, claim, error=error, refund=refund, delay=delay)
    )


def _fail(database: Database, claim: Claim, error: Exception) -> None:
    # `recover` counts it as a lost claim: a job that fails again and again is split until the
    # image at fault stands alone.
    reason = _one_line(error)
    logger.error("job %d failed: %s", claim.job_id, reason)
    database.commit(lambda connection: jobs.fail(connection, claim, error=reason))


def _one_line(error: Exception) -> str:
    if isinstance(error, DBAPIError):
        return f"the database: {str(error.orig).strip().splitlines()[0]}"
    text = str(error).strip() or type(error).__name__
    return " ".join(text.split())[:500]
