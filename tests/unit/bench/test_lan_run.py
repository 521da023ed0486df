"""Rates of a run, from what the ledger says of its jobs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.lan.run import Job, gaps, images_per_second, own_time


def shift(worker: str, *, jobs: int, size: int, seconds: float, pause: float) -> list[Job]:
    """Jobs that a worker does one after the other, with a pause between two."""
    starts = [number * (seconds + pause) for number in range(jobs)]
    return [Job(worker, size, start, start + seconds) for start in starts]


def test_two_workers_are_twice_as_quick() -> None:
    """Images of jobs that go on at the same time add up."""
    one = shift("a", jobs=10, size=100, seconds=5.0, pause=0.0)
    assert images_per_second(one) == pytest.approx(20.0)
    both = [replace(job, worker=worker) for job in one for worker in ("a", "b")]
    assert images_per_second(both) == pytest.approx(40.0)


def test_pauses_cost_what_they_last() -> None:
    """A pause of a quarter of a job's time takes a fifth of the rate, wherever the run is cut."""
    jobs = shift("a", jobs=100, size=100, seconds=4.0, pause=1.0)
    assert images_per_second(jobs) == pytest.approx(20.0, rel=0.01)
    assert gaps(jobs) == pytest.approx([1.0] * 99)


def test_gaps_are_those_of_each_worker() -> None:
    """Between jobs of different workers there is no gap."""
    jobs = [Job("a", 1, 0.0, 1.0), Job("b", 1, 0.5, 3.0), Job("a", 1, 1.25, 2.0)]
    assert gaps(jobs) == [0.25]


def test_a_jobs_own_time_is_what_rest_leaves() -> None:
    """The rest over a job's images is no time of the queue, nor of the ledger."""
    jobs = shift("a", jobs=3, size=100, seconds=5.2, pause=0.0)
    assert own_time(jobs, rest=0.05) == pytest.approx(0.2)
