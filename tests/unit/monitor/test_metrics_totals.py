"""Figures of jobs, summed up as they are done: each job once, however late its row appears."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from db.figures import DECODE, STORE, Histogram, JobFigures
from db.store import jobs, metering, runs
from monitor.metrics.totals import Totals
from tests.ledger import job_result

if TYPE_CHECKING:
    from db.records import Claim, RunRecord
    from monitor.metrics.totals import Sums
    from tests.ledger import Ledger

FIGURES = JobFigures(
    outcomes={"faces": 3, "no_face": 1},
    faces={"lbp": 4},
    unknown=2,
    stages={DECODE: Histogram.of([0.002, 0.2])},
)


def claim(ledger: Ledger, run: RunRecord, path: bytes) -> Claim:
    """A claimed job of one more file."""
    ledger.register(run, path)
    claimed = ledger.claim(ledger.cut(run))
    assert claimed is not None
    return claimed


def do(ledger: Ledger, claimed: Claim, figures: JobFigures = FIGURES) -> None:
    """Let a job be done with these figures."""
    ledger.commit(claimed, replace(job_result(), figures=figures))


def look(ledger: Ledger, totals: Totals) -> Sums:
    """Sum up what is new."""
    with ledger.database.read() as connection:
        return totals.catch_up(connection, metering.run_states(connection))


def test_each_job_is_added_once(ledger: Ledger) -> None:
    """Sums grow by what was done since the last look, and by nothing else."""
    run, totals = ledger.run(), Totals()
    assert look(ledger, totals).jobs == {"label": 0, "relabel": 0}
    for number in (1, 2):
        do(ledger, claim(ledger, run, b"%d" % number))
        for _ in range(3):
            sums = look(ledger, totals)
        assert sums.jobs["label"] == number
        assert sums.outcomes == {
            "faces": 3 * number,
            "no_face": number,
            "unreadable": 0,
            "quarantined": 0,
        }
        assert (sums.faces, sums.unknown) == ({"lbp": 4 * number}, 2 * number)
        assert sum(sums.stages[DECODE].counts) == 2 * number
        assert sum(sums.stages[STORE].counts) == number
    assert look(ledger, Totals()) == sums


def test_a_job_that_shows_late_is_added(postgresql_ledger: Ledger) -> None:
    """A job whose commit took long counts when it shows, though newer ones were counted before."""
    ledger, totals = postgresql_ledger, Totals()
    run = ledger.run()
    slow, quick = claim(ledger, run, b"slow"), claim(ledger, run, b"quick")
    with ledger.database.write() as connection:
        jobs.finish(connection, slow, version_id=None, decoded=1)
        jobs.note(connection, slow, FIGURES)
        do(ledger, quick)
        assert look(ledger, totals).jobs["label"] == 1
    assert look(ledger, totals).jobs["label"] == 2
    assert look(ledger, totals).faces == {"lbp": 8}


def test_times_do_not_matter(ledger: Ledger) -> None:
    """Jobs that seem to have been done long ago count, as after a clock was set back."""
    run, totals = ledger.run(), Totals()
    do(ledger, claim(ledger, run, b"1"))
    look(ledger, totals)
    do(ledger, claim(ledger, run, b"2"))
    ledger.execute("UPDATE jobs SET finished_at = 5 WHERE id = (SELECT max(id) FROM jobs)")
    assert look(ledger, totals).jobs["label"] == 2


def test_a_run_that_is_over_is_not_read_again(ledger: Ledger) -> None:
    """The last jobs of a run count, and then its jobs are left alone."""
    run, totals = ledger.run(), Totals()
    do(ledger, claim(ledger, run, b"1"))
    look(ledger, totals)
    do(ledger, claim(ledger, run, b"2"))
    with ledger.database.write() as connection:
        runs.finish(connection, run.id)
    assert look(ledger, totals).jobs["label"] == 2
    ledger.execute("UPDATE jobs SET state = 'queued'")
    ledger.execute("UPDATE jobs SET state = 'done'")
    assert look(ledger, totals).jobs["label"] == 2
    do(ledger, claim(ledger, ledger.run(b"/other"), b"3"))
    assert look(ledger, totals).jobs["label"] == 3


def test_jobs_without_figures_count_as_jobs(ledger: Ledger) -> None:
    """What an older kaolabel did, or one that nobody knows, is done, and that is all."""
    run, totals = ledger.run(), Totals()
    for number, figures in enumerate((None, "", "[]", '{"bounds": 1}', '{"outcomes": 7}')):
        do(ledger, claim(ledger, run, b"%d" % number))
        newest = "UPDATE jobs SET figures = :figures WHERE id = (SELECT max(id) FROM jobs)"
        ledger.execute(newest, figures=figures)
    sums = look(ledger, totals)
    assert (sums.jobs["label"], sum(sums.outcomes.values()), dict(sums.faces)) == (5, 0, {})
