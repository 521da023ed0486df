"""Figures of jobs: they add up, and survive being stored."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.figures import BOUNDS, STAGES, Histogram, JobFigures

times = st.lists(st.floats(0, 1000, allow_nan=False))
counts = st.dictionaries(st.text(max_size=10), st.integers(0, 10**9), max_size=4)


@given(times, times)
def test_histograms_add_up(some: list[float], others: list[float]) -> None:
    """The sum of two histograms is that of all their times."""
    both = Histogram.of(some) + Histogram.of(others)
    assert both.counts == Histogram.of(some + others).counts
    assert both.seconds == pytest.approx(sum(some) + sum(others))


def test_a_time_counts_up_to_its_bound() -> None:
    """A time that is a bound counts below it, as Prometheus has it; one above all counts last."""
    assert Histogram.of([BOUNDS[0]]).counts[0] == 1
    assert Histogram.of([BOUNDS[0] + 1e-9]).counts[1] == 1
    assert Histogram.of([BOUNDS[-1] * 2]).counts[-1] == 1


@given(counts, counts, st.integers(0, 10**9), st.dictionaries(st.sampled_from(STAGES), times))
def test_figures_are_read_as_they_were_written(
    outcomes: dict[str, int], faces: dict[str, int], unknown: int, stages: dict[str, list[float]]
) -> None:
    """What is stored comes back, times to the microsecond."""
    figures = JobFigures(outcomes, faces, unknown, {k: Histogram.of(v) for k, v in stages.items()})
    read = JobFigures.from_json(figures.to_json())
    assert (read.outcomes, read.faces, read.unknown) == (outcomes, faces, unknown)
    assert {k: v.counts for k, v in read.stages.items()} == {
        k: v.counts for k, v in figures.stages.items()
    }
    for name, read_times in read.stages.items():
        assert read_times.seconds == pytest.approx(figures.stages[name].seconds, abs=1e-6)


def test_figures_of_a_newer_kaolabel_are_read() -> None:
    """Unknown fields are left out, and so are times under bounds that cannot be added up."""
    written = json.loads(JobFigures({"faces": 1}, stages={"embed": Histogram.of([1.0])}).to_json())
    newer = JobFigures.from_json(json.dumps({**written, "bounds": [1, 2], "colour": "red"}))
    assert newer == JobFigures({"faces": 1})


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '"x"', '{"outcomes": 1}', "[" * 100_000])
def test_what_is_no_figures_is_a_value_error(text: str) -> None:
    """Damaged rows are told from figures."""
    with pytest.raises(ValueError, match=r"figures|JSON|Expecting"):
        JobFigures.from_json(text)


def test_a_histogram_has_a_count_for_each_bound() -> None:
    """Counts that do not fit the bounds are refused."""
    with pytest.raises(ValueError, match="needs 15 counts"):
        Histogram((1, 2, 3))
