"""Fair shares: small groups whole, large ones evenly thinned, the budget kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from review.share import fair_cap, spread

Counts = st.lists(st.integers(1, 500), max_size=20)


@given(counts=Counts, budget=st.integers(1, 2000))
def test_a_cap_keeps_the_budget_and_leaves_nobody_out(counts: list[int], budget: int) -> None:
    """All shares fit the budget unless one of each group does not, and no share is empty."""
    cap = fair_cap(counts, budget=budget)
    shown = [min(count, cap) for count in counts]
    assert sum(shown) <= max(budget, len(counts))
    assert all(shown)


@given(counts=Counts, budget=st.integers(1, 2000))
def test_a_cap_is_as_large_as_it_may_be(counts: list[int], budget: int) -> None:
    """Either everything is shown, or one more of each group would break the budget."""
    cap = fair_cap(counts, budget=budget)
    everything = sum(min(count, cap) for count in counts) == sum(counts)
    assert everything or sum(min(count, cap + 1) for count in counts) > budget


@given(count=st.integers(0, 300), cap=st.integers(1, 300))
def test_a_spread_has_exactly_its_share_in_order(count: int, cap: int) -> None:
    """As many items as the cap allows, the first among them, in their order, none twice."""
    kept = list(spread(range(count), count=count, cap=cap))
    assert len(kept) == min(count, cap)
    assert kept == sorted(set(kept))
    assert kept[:1] == list(range(count))[:1]


def test_a_spread_is_even() -> None:
    """Four of ten are taken at distances of two and three."""
    assert list(spread(range(10), count=10, cap=4)) == [0, 3, 5, 8]
