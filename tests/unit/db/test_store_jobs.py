"""Jobs: cut, claimed, leased, given back, recovered, split."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from db.records import Claim, JobState
from db.store import cutting, jobs, lost, queue, runs
from tests.ledger import content, job_result

if TYPE_CHECKING:
    from db.records import RunRecord
    from tests.ledger import Ledger


@pytest.fixture
def run(ledger: Ledger) -> RunRecord:
    """A run of four files, none of them in a job."""
    run = ledger.run()
    ledger.register(run, b"a", b"b", b"c", b"d")
    return run


def state(ledger: Ledger, job_id: int) -> str:
    """Where a job stands."""
    return str(ledger.value("SELECT state FROM jobs WHERE id = :job", job=job_id))


def attempts(ledger: Ledger, job_id: int) -> int:
    """The claims that were not given back."""
    return int(ledger.value("SELECT attempts FROM jobs WHERE id = :job", job=job_id))


def must_claim(ledger: Ledger, job_id: int) -> Claim:
    """A claim that cannot be denied."""
    claim = ledger.claim(job_id)
    assert claim is not None
    return claim


def release(ledger: Ledger, claim: Claim, *, refund: bool, delay: float = 0.0) -> None:
    """Give a job back."""
    with ledger.database.write() as connection:
        jobs.release(connection, claim, error="no model", refund=refund, delay=delay)


def unpublished(ledger: Ledger, run: RunRecord) -> list[int]:
    """Jobs that await their message."""
    with ledger.database.read() as connection:
        return queue.unpublished(connection, run.id)


def stale(ledger: Ledger, waiting: float) -> list[int]:
    """Jobs that have waited for so many seconds."""
    with ledger.database.read() as connection:
        return lost.stale(connection, waiting=waiting)


def test_jobs_are_cut_in_the_order_of_the_walk(ledger: Ledger, run: RunRecord) -> None:
    """Each image is in one job, until none is left."""
    first, second = ledger.cut(run, 3), ledger.cut(run, 3)
    assert [image.path for image in ledger.todo(first)] == [b"a", b"b", b"c"]
    assert [image.path for image in ledger.todo(second)] == [b"d"]
    assert ledger.rows("SELECT size FROM jobs ORDER BY id") == [(3,), (1,)]
    with ledger.database.write() as connection:
        assert cutting.cut_images(connection, run.id, size=3) is None


def test_a_job_is_unpublished_until_its_message_is_sent(ledger: Ledger, run: RunRecord) -> None:
    """The ledger knows which jobs nobody was told of."""
    job = ledger.cut(run)
    assert unpublished(ledger, run) == [job]
    with ledger.database.write() as connection:
        queue.mark_published(connection, [job])
    assert unpublished(ledger, run) == []


def test_a_claim_says_what_the_worker_needs(ledger: Ledger, run: RunRecord) -> None:
    """A claim carries the run, the generation and the count of attempts."""
    job = ledger.cut(run)
    claim = must_claim(ledger, job)
    assert (claim.job_id, claim.generation, claim.attempts, claim.run) == (job, 1, 1, run)
    row = ledger.rows("SELECT state, worker, lease_until - claimed_at FROM jobs")[0]
    assert row == ("leased", "worker", pytest.approx(jobs.LEASE, abs=1e-3))


def test_one_of_many_workers_gets_a_job(ledger: Ledger, run: RunRecord) -> None:
    """Of threads that claim one job at the same moment exactly one wins."""
    job, start = ledger.cut(run), threading.Barrier(5)
    won: list[Claim | None] = []

    def compete() -> None:
        start.wait()
        claimed = ledger.database.commit(lambda c: jobs.claim(c, job, worker="competitor"))
        won.append(claimed)

    threads = [threading.Thread(target=compete) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 5
    assert sum(claim is not None for claim in won) == 1
    assert attempts(ledger, job) == 1


def test_a_job_that_does_not_exist_cannot_be_claimed(ledger: Ledger) -> None:
    """A message of a job that is not in the ledger is dropped."""
    assert ledger.claim(12345) is None


def test_a_done_job_cannot_be_claimed(ledger: Ledger) -> None:
    """A second delivery of a done job does nothing."""
    claim = ledger.take(ledger.run(), b"a")
    ledger.finish(claim, content(b"1"))
    assert ledger.claim(claim.job_id) is None


def test_jobs_of_a_stopped_run_cannot_be_claimed(ledger: Ledger, run: RunRecord) -> None:
    """A stopped run's messages are dropped, and its leases are not renewed."""
    held, waiting = ledger.cut(run, 2), ledger.cut(run, 2)
    claim = must_claim(ledger, held)
    with ledger.database.write() as connection:
        runs.stop(connection, run.id, reason="x")
        assert not jobs.renew(connection, claim)
    assert ledger.claim(waiting) is None


def test_a_lease_is_renewed(ledger: Ledger, run: RunRecord) -> None:
    """A renewed claim holds for another full lease."""
    claim = must_claim(ledger, ledger.cut(run))
    ledger.execute("UPDATE jobs SET lease_until = lease_until - 20")
    before = ledger.value("SELECT lease_until FROM jobs")
    with ledger.database.write() as connection:
        assert jobs.renew(connection, claim)
    assert ledger.value("SELECT lease_until FROM jobs") >= before + 20


def test_a_lost_job_is_taken_over(ledger: Ledger, run: RunRecord) -> None:
    """After its lease a job can be had by the next worker, and the first one cannot renew."""
    job = ledger.cut(run)
    first = must_claim(ledger, job)
    ledger.lose(job)
    second = must_claim(ledger, job)
    assert (second.generation, second.attempts) == (2, 2)
    with ledger.database.write() as connection:
        assert not jobs.renew(connection, first)
        assert jobs.renew(connection, second)


def test_a_stale_worker_is_fenced_off(ledger: Ledger, run: RunRecord) -> None:
    """The commit of a worker whose job was taken over raises and changes no row."""
    job = ledger.cut(run)
    old = must_claim(ledger, job)
    ledger.lose(job)
    must_claim(ledger, job)
    with pytest.raises(jobs.FencedError):
        ledger.commit(old, job_result([content(b"1")]))
    assert ledger.value("SELECT count(*) FROM contents") == 0
    assert ledger.value("SELECT count(*) FROM images WHERE due") == 4
    assert state(ledger, job) == JobState.LEASED


def test_a_refunded_release_costs_no_attempt(ledger: Ledger, run: RunRecord) -> None:
    """A job that was given back for no fault of its own is as good as new, and says why."""
    job = ledger.cut(run)
    for _ in range(5):
        release(ledger, must_claim(ledger, job), refund=True)
    assert (state(ledger, job), attempts(ledger, job)) == (JobState.QUEUED, 0)
    with ledger.database.read() as connection:
        assert jobs.errors(connection, run.id) == ["no model"]


def test_a_release_without_refund_counts(ledger: Ledger, run: RunRecord) -> None:
    """A job that was given back for its own fault has used up an attempt."""
    job = ledger.cut(run)
    release(ledger, must_claim(ledger, job), refund=False)
    assert attempts(ledger, job) == 1


def test_a_delayed_job_waits(ledger: Ledger, run: RunRecord) -> None:
    """Until its delay is over a job is neither claimed, nor published, nor stale."""
    job = ledger.cut(run)
    release(ledger, must_claim(ledger, job), refund=True, delay=60)
    assert ledger.claim(job) is None
    assert unpublished(ledger, run) == []
    assert stale(ledger, waiting=-1) == []
    ledger.execute("UPDATE jobs SET not_before = not_before - 60")
    assert unpublished(ledger, run) == [job]
    assert stale(ledger, waiting=-1) == [job]
    assert ledger.claim(job) is not None


def test_a_stale_claim_gives_nothing_back(ledger: Ledger, run: RunRecord) -> None:
    """Releasing or failing a job that another worker has by now does nothing."""
    job = ledger.cut(run)
    old = must_claim(ledger, job)
    ledger.lose(job)
    must_claim(ledger, job)
    release(ledger, old, refund=True)
    with ledger.database.write() as connection:
        jobs.fail(connection, old, error="x")
    assert (state(ledger, job), attempts(ledger, job)) == (JobState.LEASED, 2)
    assert ledger.recover() == []


def test_recover_requeues_a_lost_claim(ledger: Ledger, run: RunRecord) -> None:
    """A job whose worker is gone is queued again, to be published again."""
    job = ledger.cut(run)
    must_claim(ledger, job)
    assert ledger.recover() == []
    ledger.lose(job)
    assert ledger.recover() == [job]
    assert state(ledger, job) == JobState.QUEUED
    assert unpublished(ledger, run) == [job]


@pytest.mark.parametrize("way", ["fail", "expire"])
def test_a_failed_job_is_recovered_at_once(ledger: Ledger, run: RunRecord, way: str) -> None:
    """Neither a job that raised nor one whose process is dead waits for its lease."""
    claim = must_claim(ledger, ledger.cut(run))
    with ledger.database.write() as connection:
        if way == "fail":
            jobs.fail(connection, claim, error="boom")
        else:
            lost.expire(connection, *lost.leases(connection))
    assert ledger.recover() == [claim.job_id]


def test_expiring_leaves_other_states_alone(ledger: Ledger) -> None:
    """News of a dead process that come too late do not reopen a done job."""
    claim = ledger.take(ledger.run(), b"a")
    with ledger.database.read() as connection:
        (held,) = lost.leases(connection)
    ledger.finish(claim, content(b"1"))
    with ledger.database.write() as connection:
        assert lost.leases(connection) == []
        lost.expire(connection, held)
    assert ledger.recover() == []
    assert state(ledger, claim.job_id) == JobState.DONE


def lose_three_times(ledger: Ledger, job: int) -> list[int]:
    """Claim and lose a job until recover gives up on it; the jobs that it makes instead."""
    for _ in range(2):
        must_claim(ledger, job)
        ledger.lose(job)
        assert ledger.recover() == [job]
    must_claim(ledger, job)
    ledger.lose(job)
    # One more worker must not die on it.
    assert ledger.claim(job) is None
    return ledger.recover()


def test_three_lost_claims_split_a_job(ledger: Ledger, run: RunRecord) -> None:
    """The halves of a job that keeps getting lost are jobs of their own, with fresh attempts."""
    job = ledger.cut(run)
    halves = lose_three_times(ledger, job)
    assert state(ledger, job) == JobState.SPLIT
    assert [[image.path for image in ledger.todo(half)] for half in halves] == [
        [b"a", b"b"],
        [b"c", b"d"],
    ]
    assert [attempts(ledger, half) for half in halves] == [0, 0]
    assert unpublished(ledger, run) == halves


def test_the_worker_of_a_split_job_is_fenced_off(ledger: Ledger, run: RunRecord) -> None:
    """A worker that comes back after its job was split writes nothing."""
    job = ledger.cut(run)
    lose_three_times(ledger, job)
    last = Claim(job, generation=3, attempts=3, run=run)
    with pytest.raises(jobs.FencedError):
        ledger.commit(last, job_result())


def test_a_lone_image_is_quarantined(ledger: Ledger) -> None:
    """An image that loses three workers by itself is set aside with a reason."""
    run = ledger.run()
    ledger.register(run, b"a")
    assert lose_three_times(ledger, ledger.cut(run)) == []
    row = ledger.rows("SELECT due, outcome, reason FROM images")[0]
    assert (bool(row[0]), *row[1:]) == (False, "quarantined", "worker_lost")
    with ledger.database.read() as connection:
        progress = runs.progress(connection, run.id)
    assert (progress.done, progress.jobs_open) == (1, 0)


def test_splitting_ends_with_the_one_image_at_fault(ledger: Ledger, run: RunRecord) -> None:
    """Of four images of which one kills every worker, three are done and one is set aside."""
    left = [ledger.cut(run)]
    while left:
        job = left.pop()
        if b"c" in [image.path for image in ledger.todo(job)]:
            left += lose_three_times(ledger, job)
        else:
            claim = must_claim(ledger, job)
            paths = [image.path for image in ledger.todo(job)]
            ledger.finish(claim, *(content(path) for path in paths))
    found = ledger.rows("SELECT path, outcome FROM images ORDER BY id")
    assert [(bytes(path), outcome) for path, outcome in found] == [
        (b"a", "no_face"),
        (b"b", "no_face"),
        (b"c", "quarantined"),
        (b"d", "no_face"),
    ]


def test_recover_leaves_stopped_runs_alone(ledger: Ledger, run: RunRecord) -> None:
    """Jobs of a run that is stopped stay as they are until it is taken up again."""
    job = ledger.cut(run)
    must_claim(ledger, job)
    ledger.lose(job)
    with ledger.database.write() as connection:
        runs.stop(connection, run.id, reason="x")
    assert ledger.recover() == []


@pytest.mark.parametrize("workers_are_dead", [False, True])
def test_taking_over_a_run(ledger: Ledger, run: RunRecord, workers_are_dead: bool) -> None:  # noqa: FBT001  # a parameter of the test
    """Queued jobs are published anew; leased ones only where their workers are known dead."""
    held, waiting = ledger.cut(run, 2), ledger.cut(run, 2)
    must_claim(ledger, held)
    with ledger.database.write() as connection:
        queue.mark_published(connection, [held, waiting])
        jobs.take_over(connection, run.id, workers_are_dead=workers_are_dead)
    again = {held, waiting} if workers_are_dead else {waiting}
    assert set(unpublished(ledger, run)) == again
    assert (state(ledger, held) == JobState.QUEUED) is workers_are_dead


def test_messages_that_wait_too_long_are_stale(ledger: Ledger, run: RunRecord) -> None:
    """A queued job is stale by the time its message was sent, or by its own where it was not."""
    sent, unsent = ledger.cut(run, 2), ledger.cut(run, 2)
    ledger.execute("UPDATE jobs SET created_at = created_at - 100")
    with ledger.database.write() as connection:
        queue.mark_published(connection, [sent])
    assert stale(ledger, waiting=50) == [unsent]
    ledger.execute("UPDATE jobs SET published_at = published_at - 100")
    assert stale(ledger, waiting=50) == [sent, unsent]
    assert stale(ledger, waiting=200) == []


def test_the_rate_comes_from_the_newest_jobs(ledger: Ledger) -> None:
    """The rate is None before the first job is done, then images by seconds of the last four."""
    run = ledger.run()
    for number in range(5):
        ledger.finish(ledger.take(run, b"%d" % number), content(b"%d" % number))
    oldest = ledger.value("SELECT min(id) FROM jobs")
    ledger.execute("UPDATE jobs SET claimed_at = finished_at - 0.5")
    ledger.execute(
        "UPDATE jobs SET claimed_at = claimed_at - 1000, finished_at = finished_at - 1000"
        " WHERE id = :oldest",
        oldest=oldest,
    )
    ledger.execute("UPDATE jobs SET size = 100 WHERE id = :oldest", oldest=oldest)
    with ledger.database.read() as connection:
        assert queue.rate(connection, run.id) == pytest.approx(2.0, rel=1e-3)
        assert queue.rate(connection, run.id + 1) is None


def test_results_outlast_an_outage(ledger: Ledger, run: RunRecord) -> None:
    """A job that was requeued is still its worker's, as long as nobody else has claimed it."""
    claim = must_claim(ledger, ledger.cut(run))
    ledger.lose(claim.job_id)
    assert ledger.recover() == [claim.job_id]
    with ledger.database.write() as connection:
        assert jobs.renew(connection, claim)
    assert state(ledger, claim.job_id) == JobState.LEASED
    ledger.lose(claim.job_id)
    assert ledger.recover() == [claim.job_id]
    ledger.commit(claim, job_result())
    assert state(ledger, claim.job_id) == JobState.DONE


@pytest.mark.parametrize("way", ["release", "fail"])
def test_a_claim_that_ended_is_not_renewed(ledger: Ledger, run: RunRecord, way: str) -> None:
    """A renewal that comes after its job was given back does not hold it up."""
    claim = must_claim(ledger, ledger.cut(run))
    with ledger.database.write() as connection:
        if way == "release":
            jobs.release(connection, claim, error="x", refund=True)
        else:
            jobs.fail(connection, claim, error="x")
        assert not jobs.renew(connection, claim)


def repay(ledger: Ledger, claim: Claim) -> None:
    """Pay what an outage cost a job."""
    with ledger.database.write() as connection:
        jobs.repay(connection, claim, error="the database was away")


@pytest.mark.parametrize("recovered", [False, True])
def test_an_attempt_that_an_outage_cost_is_paid_back(
    ledger: Ledger,
    run: RunRecord,
    recovered: bool,  # noqa: FBT001  # a parameter of the test
) -> None:
    """The job is queued without the attempt, whether its lease was found lost meanwhile or not."""
    claim = must_claim(ledger, ledger.cut(run))
    if recovered:
        ledger.lose(claim.job_id)
        ledger.recover()
    for _ in range(2):
        repay(ledger, claim)
        found = (state(ledger, claim.job_id), attempts(ledger, claim.job_id))
        assert found == (JobState.QUEUED, 0)


def test_an_attempt_is_paid_back_to_the_next_worker(ledger: Ledger, run: RunRecord) -> None:
    """A job that somebody else has by now gets the attempt back, and is left to them."""
    claim = must_claim(ledger, ledger.cut(run))
    ledger.lose(claim.job_id)
    other = must_claim(ledger, claim.job_id)
    repay(ledger, claim)
    assert (state(ledger, claim.job_id), attempts(ledger, claim.job_id)) == (JobState.LEASED, 1)
    ledger.commit(other, job_result())
    repay(ledger, claim)
    assert (state(ledger, claim.job_id), attempts(ledger, claim.job_id)) == (JobState.DONE, 1)


def test_workers_that_died_with_their_command_cost_no_attempt(
    ledger: Ledger, run: RunRecord
) -> None:
    """A command may be killed as often as one likes: no image is blamed for it."""
    job = ledger.cut(run)
    for _ in range(5):
        claim = must_claim(ledger, job)
        with ledger.database.write() as connection:
            jobs.take_over(connection, run.id, workers_are_dead=True)
        assert attempts(ledger, job) == 0
    with pytest.raises(jobs.FencedError):
        ledger.commit(claim, job_result())


def test_a_clock_that_is_set_back_holds_nothing_up(ledger: Ledger, run: RunRecord) -> None:
    """Leases, delays and messages that seem to lie an hour ahead count as over."""
    held, delayed, sent = ledger.cut(run, 1), ledger.cut(run, 1), ledger.cut(run, 1)
    must_claim(ledger, held)
    release(ledger, must_claim(ledger, delayed), refund=True, delay=60)
    with ledger.database.write() as connection:
        queue.mark_published(connection, [sent])
    ledger.execute(
        "UPDATE jobs SET lease_until = lease_until + 3600, not_before = not_before + 3600,"
        " published_at = published_at + 3600, created_at = created_at + 3600"
    )
    assert ledger.recover() == [held]
    assert unpublished(ledger, run) == [held, delayed]
    assert stale(ledger, waiting=120) == [held, delayed, sent]
    assert must_claim(ledger, delayed)


def test_workers_at_work_are_counted_once(ledger: Ledger) -> None:
    """Those with a job of any run, and those that have just done one of this run; nobody else."""
    run, other = ledger.run(b"/a"), ledger.run(b"/b")
    for place, worker in ((run, "done"), (run, "both"), (other, "elsewhere")):
        name = worker.encode()
        ledger.register(place, name)
        claim = ledger.claim(ledger.cut(place), worker=worker)
        assert claim is not None
        ledger.finish(claim, content(name))
    for place, worker in ((run, "both"), (other, "busy"), (other, "lost")):
        ledger.register(place, worker.encode() + b"2")
        assert ledger.claim(ledger.cut(place), worker=worker) is not None
    ledger.execute("UPDATE jobs SET lease_until = 1 WHERE worker = 'lost'")
    with ledger.database.read() as connection:
        assert queue.workers(connection, run.id) == 3
    ledger.execute("UPDATE jobs SET finished_at = 1 WHERE state = 'done'")
    with ledger.database.read() as connection:
        assert queue.workers(connection, run.id) == 2
