"""One job from claim to commit, and what each way to fail means for the ledger."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from db.errors import ArchiveGoneError, KaolabelError, UnavailableError
from db.logs.fields import bound, fields
from db.outage import is_transient, reason
from db.records import RelabelRecord
from db.store import faces, images, jobs, results, runs
from worker import pipeline
from worker.account import Account, count
from worker.lease import Lease, LeaseLostError
from worker.progress import untold
from worker.relabelling import relabel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Connection

    from db.engine import Database
    from db.records import Claim, DetectionRecord, RunRecord, StoredFace
    from worker.context import Context
    from worker.models.live import Model
    from worker.progress import Progress

Found = Mapping[str, int | None]

logger = logging.getLogger(__name__)

# Seconds before a job that this worker cannot do is offered again.
_REFUSED_DELAY = 5.0

# A worker that lacks what its jobs need is idle, and would be the first to take each one again. It
# rests for less than the time that a stop leaves it.
_MANY_REFUSALS = 2
_LONGEST_REST = 20.0

# The part of a job's limit for which a database that is away is waited for; then there is time
# left, before the limit kills the process, to find out that a connection is dead.
_PATIENCE = 0.6

# Seconds for which a worker takes no message when the database cannot be used.
_BREAK = 10.0


def run_job(context: Context, job_id: int, *, tell: Progress = untold) -> Account:
    """Do a job, if it is still to be done; what became of it.

    A database that is away is waited for, with results in hand, for most of the job's limit. What
    an outage ends after that is owed to the job, so that outages never count as lost claims.

    Args:
        context: of this process.
        job_id: the job's number.
        tell: is told how far a relabelling is.
    """
    with bound(job=job_id):
        account = _run(context, job_id, tell)
        # What killed its decoder is for people to look at.
        level = logging.WARNING if account.found.get("quarantined") else logging.INFO
        logger.log(level, "job %d is %s", job_id, account.state, extra=fields(**account.told()))
        context.refusals = context.refusals + 1 if account.state == "refused" else 0
        time.sleep(rest(context.refusals, limit=context.job_limit))
    return account


def rest(refusals: int, *, limit: float) -> float:
    """Seconds for which a worker leaves the queue to others, which may be able to do its jobs.

    Args:
        refusals: jobs that it had to refuse, one after the other.
        limit: of a job, in seconds.
    """
    if refusals < _MANY_REFUSALS:
        return 0.0
    doublings = min(refusals - _MANY_REFUSALS, 10)
    return min(_REFUSED_DELAY * 2.0**doublings, _LONGEST_REST, limit / 10)


def _run(context: Context, job_id: int, tell: Progress) -> Account:
    started = time.monotonic()
    until = started + _PATIENCE * context.job_limit
    database = context.database.with_patience(math.inf, until=until)
    try:
        context.debts.pay(database)
        # A process that dies of its model then holds no claim, and costs no job an attempt.
        context.settle()
        claim = _claim(context, database, job_id)
    except UnavailableError as error:
        logger.warning("job %d waits for its next message: %s", job_id, error)
        # A message now and then is enough to find out when the database is back.
        time.sleep(min(_BREAK, context.job_limit / 10))
        return Account(job_id, "unavailable")
    if claim is None:
        return Account(job_id, "not claimable")
    with bound(run=claim.run.id):
        state, found = _do(context, database, claim, tell)
    return Account(job_id, state, claim.run.id, found, time.monotonic() - started)


def leave_to_others(database: Database, job_id: int) -> Account:
    """Have a job whose message only a newer worker understands offered again, to any of them."""
    logger.warning("job %d is left to newer workers: upgrade this one", job_id)
    _note(database, lambda connection: jobs.postpone(connection, job_id, delay=_REFUSED_DELAY))
    return Account(job_id, "too new")


def _do(context: Context, database: Database, claim: Claim, tell: Progress) -> tuple[str, Found]:
    """Do a claimed job, or give it back; what became of it, and what was found."""
    try:
        with Lease(context.database, claim, limit=context.job_limit) as lease:
            if isinstance(claim.run, RelabelRecord):
                found: Found = relabel(
                    context, claim, claim.run, lease, database=database, tell=tell
                )
            else:
                found = _label(context, claim, claim.run, lease, database=database)
    except (LeaseLostError, jobs.FencedError) as error:
        logger.warning("%s", error)
        _give_back(context, database, claim, "the run was stopped")
        return "lost", {}
    except ArchiveGoneError as error:
        _stop_run(context, database, claim, str(error))
        return "stopped", {}
    except (KaolabelError, DBAPIError) as error:
        if isinstance(error, DBAPIError) and not is_transient(error):
            _fail(database, claim, error)
            raise
        # Neither a missing model or detector nor a server that is away is the job's fault.
        _give_back(context, database, claim, _one_line(error), delay=_REFUSED_DELAY)
        return "refused", {}
    except Exception as error:
        if database.was_away:
            # Such as a time limit that was spent on waiting.
            _give_back(context, database, claim, _one_line(error))
        else:
            _fail(database, claim, error)
        raise
    return "done", found


def _claim(context: Context, database: Database, job_id: int) -> Claim | None:
    """A claim; one whose commit was not answered is known again when it is tried once more."""
    made: list[Claim] = []

    def work(connection: Connection) -> Claim | None:
        for claim in made:
            held = jobs.is_held(connection, claim, worker=context.name)
            if held and jobs.renew(connection, claim):
                return claim
        found = jobs.claim(connection, job_id, worker=context.name)
        made.extend([] if found is None else [found])
        return found

    return database.commit(work)


def _label(
    context: Context, claim: Claim, run: RunRecord, lease: Lease, *, database: Database
) -> Found:
    context.require_chain(run.chain_id)
    model = None if run.detect_only else context.live.current()
    todo = database.fetch(lambda connection: images.of_job(connection, claim.job_id))
    result = pipeline.label(
        todo,
        root=run.root,
        ledger=JobLedger(database, run.chain_id, lease),
        pool=context.pool(model),
        model=model,
        max_file_bytes=context.settings.max_file_bytes,
        allowed_roots=context.settings.archive_roots,
    )
    database.commit(lambda connection: results.commit(connection, claim, result))
    return count(result)


class JobLedger:
    """The pipeline's questions, answered from the database for one job."""

    def __init__(self, database: Database, chain_id: str, lease: Lease) -> None:
        self._database = database
        self._chain_id = chain_id
        self._lease = lease

    def hashes(self, content_ids: Sequence[int]) -> dict[int, bytes]:
        """The hash of each of the contents."""
        return self._database.fetch(lambda c: results.hashes(c, content_ids))

    def known(self, sha256s: Iterable[bytes]) -> dict[bytes, DetectionRecord]:
        """The detection by the run's chain of each hash that has one."""
        wanted = tuple(sha256s)
        return self._database.fetch(lambda c: results.known(c, self._chain_id, wanted))

    def unscored(self, detection_ids: Sequence[int], model: Model) -> Iterable[StoredFace]:
        """Faces of the detections without a prediction by the model."""
        version_id, embedder = model.version_id, model.embedder.spec.id
        return self._database.fetch(
            lambda c: list(
                faces.unscored(c, detection_ids, version_id=version_id, embedder=embedder)
            )
        )

    def still_mine(self) -> None:
        """Raise LeaseLostError when the job was taken over or its run was stopped."""
        self._lease.require()


def _stop_run(context: Context, database: Database, claim: Claim, why: str) -> None:
    logger.error("run %d is stopped: %s", claim.run.id, why)
    _give_back(context, database, claim, why)
    _note(database, lambda connection: runs.stop(connection, claim.run.id, reason=why))


def _give_back(
    context: Context, database: Database, claim: Claim, error: str, *, delay: float = 0.0
) -> None:
    logger.warning("job %d is given back: %s", claim.job_id, error)
    noted = _note(database, lambda c: jobs.release(c, claim, error=error, refund=True, delay=delay))
    if not noted:
        context.debts.note(claim, error)


def _fail(database: Database, claim: Claim, error: Exception) -> None:
    # `recover` counts it as a lost claim: a job that fails again and again is split until the
    # image at fault stands alone.
    line = _one_line(error)
    logger.error("job %d failed: %s", claim.job_id, line)
    _note(database, lambda connection: jobs.fail(connection, claim, error=line))


def _note(database: Database, work: Callable[[Connection], None]) -> bool:
    """Tell the ledger, if it can be told within the job's limit."""
    try:
        database.commit(work)
    except UnavailableError as error:
        logger.warning("not noted: %s", error)
        return False
    return True


def _one_line(error: Exception) -> str:
    if isinstance(error, DBAPIError):
        return f"the database: {reason(error)}"
    text = str(error).strip() or type(error).__name__
    return " ".join(text.split())[:500]
