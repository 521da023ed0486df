"""What a message may name: any JSON, of which only the number of a row gets any further."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from db.errors import UsageError
from db.store import jobs
from worker.broker.messages import require_id

if TYPE_CHECKING:
    from tests.ledger import Ledger

LONGEST_LINE = 200

no_numbers = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(st.characters()) | st.integers(max_value=0),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(value=no_numbers | st.integers(min_value=1 << 63))
@example(value=True)
@example(value="1")
@example(value=1.0)
def test_what_is_no_number_is_refused_in_one_line(value: Any) -> None:
    """Text, fractions, lists and numbers that no row can have never come near the database."""
    with pytest.raises(UsageError) as refused:
        require_id(value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < LONGEST_LINE


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.integers(1, (1 << 63) - 1))
@example(value=(1 << 63) - 1)
@example(value=1 << 31)
def test_a_number_of_no_job_is_no_claim(ledger: Ledger, value: int) -> None:
    """Every number that is let through can be asked for, and there is nothing to be done."""
    with ledger.database.write() as connection:
        assert jobs.claim(connection, require_id(value), worker="worker") is None
