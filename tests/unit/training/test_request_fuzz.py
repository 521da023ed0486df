"""What messages and settings may ask of a training: any JSON at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from db.errors import UsageError
from db.store import trainings
from training.request import TrainingRequest, note

if TYPE_CHECKING:
    from tests.ledger import Ledger

LONGEST_LINE = 1000

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(), max_size=30),
    st.sampled_from([10**400, "mixed5", "mixed3+mixed5", "\ud800", "a\0b", "x" * 5000, 0.1, 96]),
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=5,
)
known = st.sampled_from(sorted(TrainingRequest.model_fields))
options = st.dictionaries(known | st.text(st.characters(), max_size=9), anything, max_size=4)
likely = st.fixed_dictionaries(
    {"folder": scalars | st.just("faces")},
    optional={
        "size": st.integers(70, 520),
        "hold_out": st.floats(0, 0.6),
        "fine_tune": st.booleans(),
        "epochs": st.integers(0, 9),
        "taps": scalars,
        "threshold": st.floats(0, 1),
    },
)


def refusal(asked: Any) -> str:
    """Why it is refused, or nothing for what is taken; no other exception."""
    try:
        taken = TrainingRequest.of(asked)
    except UsageError as error:
        return str(error)
    assert TrainingRequest.of_json(taken.model_dump_json()) == taken
    return ""


@settings(max_examples=300)
@given(asked=likely | options)
@example(asked={"folder": "x" * 99_999, "size": "9" * 99_999})
@example(asked={"y" * 99_999: 1, "folder": "x"})
def test_any_options_are_taken_or_refused_in_one_line(asked: dict[str, Any]) -> None:
    """Options of any name and value, as the arguments of a task bring them."""
    assert "\n" not in refusal(asked)
    assert len(refusal(asked)) < LONGEST_LINE


@settings(max_examples=200)
@given(text=st.text(max_size=60) | anything.map(json.dumps) | likely.map(json.dumps))
@example(text="[" * 99_999)
@example(text='{"folder": ' * 500)
@example(text='{"size": ' + "9" * 9_999)
def test_any_text_is_a_request_or_refused_in_one_line(text: str) -> None:
    """JSON of any kind and text that is none, as a setting brings it."""
    try:
        TrainingRequest.of_json(text)
        said = ""
    except UsageError as error:
        said = str(error)
    assert "\n" not in said
    assert len(said) < LONGEST_LINE


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=likely)
@example(asked={"folder": "a\0b"})
def test_whatever_is_taken_is_noted_as_it_is(ledger: Ledger, asked: dict[str, Any]) -> None:
    """The ledger gives back each request that is not refused, with every odd character."""
    if refusal(asked):
        return
    request = TrainingRequest.of(asked)
    number = note(ledger.database, request, trigger="task").id
    with ledger.database.read() as connection:
        stored = trainings.get(connection, number).request
    assert TrainingRequest.of_json(stored) == request
