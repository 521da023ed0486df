"""Runs: begun, superseded, stopped, taken up, finished."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.errors import UsageError
from db.records import Progress, RunState
from db.store import jobs, queue, runs
from tests.ledger import content

if TYPE_CHECKING:
    from tests.ledger import Ledger


def test_a_run_knows_how_it_was_begun(ledger: Ledger) -> None:
    """A run comes back with its root, byte for byte, its chain and its kind."""
    run = ledger.run(b"/a\xff\n", chain="lbp+r1", detect_only=True)
    with ledger.database.read() as connection:
        found = runs.get(connection, run.id)
    assert found == run
    assert (found.root, found.chain_id, found.detect_only) == (b"/a\xff\n", "lbp+r1", True)
    assert (found.state, found.walked, found.reason) == (RunState.ACTIVE, False, None)


def test_an_archive_is_known_by_its_root(ledger: Ledger) -> None:
    """Two runs of one folder belong to one archive, a run of another folder to another."""
    first, second, other = ledger.run(b"/a"), ledger.run(b"/a"), ledger.run(b"/b")
    assert first.archive_id == second.archive_id != other.archive_id


@pytest.mark.parametrize("stopped", [False, True])
def test_a_new_run_supersedes_unfinished_ones(ledger: Ledger, stopped: bool) -> None:  # noqa: FBT001  # a parameter of the test
    """An older run of the archive ends, stopped or not, and its open jobs are cancelled."""
    old = ledger.run()
    held = ledger.take(old, b"a")
    ledger.register(old, b"b")
    waiting = ledger.cut(old)
    if stopped:
        stop(ledger, old.id)
    ledger.run()
    assert ledger.rows("SELECT state FROM runs ORDER BY id") == [("superseded",), ("active",)]
    states = dict(ledger.rows("SELECT id, state FROM jobs"))
    assert states == {held.job_id: "cancelled", waiting: "cancelled"}
    assert ledger.claim(waiting) is None


def test_runs_of_other_archives_go_on(ledger: Ledger) -> None:
    """A new run leaves the runs and jobs of other archives alone."""
    claim = ledger.take(ledger.run(b"/a"), b"a")
    ledger.run(b"/b")
    with ledger.database.write() as connection:
        assert jobs.renew(connection, claim)


def test_a_finished_run_stays_finished(ledger: Ledger) -> None:
    """History is not superseded, and cannot be stopped after the fact."""
    run = ledger.run()
    with ledger.database.write() as connection:
        runs.finish(connection, run.id)
        runs.stop(connection, run.id, reason="too late")
    ledger.run()
    with ledger.database.read() as connection:
        found = runs.get(connection, run.id)
    assert (found.state, found.reason) == (RunState.FINISHED, None)
    assert found.finished_at is not None
    assert found.finished_at >= found.started_at


def test_the_first_reason_to_stop_stays(ledger: Ledger) -> None:
    """What stopped a run first is what people need to know."""
    run = ledger.run()
    stop(ledger, run.id, "the archive is gone")
    stop(ledger, run.id, "interrupted")
    with ledger.database.read() as connection:
        assert runs.get(connection, run.id).reason == "the archive is gone"


def test_a_stopped_run_is_taken_up(ledger: Ledger) -> None:
    """An activated run is active, without a reason, and lists its files anew."""
    run = ledger.run()
    ledger.register(run, b"a", b"b")
    stop(ledger, run.id)
    with ledger.database.write() as connection:
        again = runs.activate(connection, run.id)
        assert runs.progress(connection, run.id).listed == 0
    assert (again.state, again.reason, again.walked) == (RunState.ACTIVE, None, False)


def test_a_run_that_does_not_exist_is_an_error(ledger: Ledger) -> None:
    """A number of no run is a LookupError to code, and a line with a way out to people."""
    with ledger.database.read() as connection:
        with pytest.raises(LookupError):
            runs.get(connection, 7)
        with pytest.raises(UsageError, match="there is no run 7; `kaolabel status` lists them"):
            runs.find(connection, 7)


def test_runs_are_found_by_state_and_archive(ledger: Ledger) -> None:
    """All runs come oldest first; the latest is chosen among those that fit."""
    first, second, third = ledger.run(b"/a"), ledger.run(b"/b"), ledger.run(b"/c")
    stop(ledger, second.id)
    active, stopped = (RunState.ACTIVE,), (RunState.STOPPED,)
    with ledger.database.read() as connection:
        assert [run.id for run in runs.every(connection, state=active)] == [first.id, third.id]
        assert runs.latest(connection) == third
        newest_stopped = runs.latest(connection, state=stopped)
        assert newest_stopped is not None
        assert newest_stopped.id == second.id
        assert runs.latest(connection, archive_id=first.archive_id) == first
        assert runs.latest(connection, archive_id=first.archive_id, state=stopped) is None


def test_the_walk_leaves_its_marks(ledger: Ledger) -> None:
    """A run remembers that it has seen everything, and how much it left out."""
    run = ledger.run()
    with ledger.database.write() as connection:
        runs.mark_walked(connection, run.id, skipped=3)
        found = runs.get(connection, run.id)
    assert (found.walked, found.skipped) == (True, 3)


def test_progress_counts_images_and_jobs(ledger: Ledger) -> None:
    """Listed and done images, published and open jobs are counted as a run goes on."""
    run = ledger.run()
    ledger.register(run, b"a", b"b", b"c")
    first, second = ledger.cut(run, 1), ledger.cut(run, 1)
    with ledger.database.write() as connection:
        queue.mark_published(connection, [first])
        assert runs.progress(connection, run.id) == Progress(3, 0, 1, 2)
        queue.mark_published(connection, [second])
    claim = ledger.claim(first)
    assert claim is not None
    ledger.finish(claim, content(b"1"))
    with ledger.database.read() as connection:
        assert runs.progress(connection, run.id) == Progress(3, 1, 1, 1)
        assert runs.decoded(connection, run.id) == 1


def stop(ledger: Ledger, run_id: int, reason: str = "interrupted") -> None:
    """Stop a run."""
    with ledger.database.write() as connection:
        runs.stop(connection, run_id, reason=reason)


@given(st.binary(max_size=300))
def test_any_path_can_be_shown(path: bytes) -> None:
    """Whatever bytes a path has, its text for people is valid UTF-8."""
    runs.display(path).encode()


@given(st.text(st.characters(codec="utf-8")))
def test_paths_in_utf8_are_shown_as_they_are(path: str) -> None:
    """A path that is valid UTF-8 is not changed for people."""
    assert runs.display(path.encode()) == path
