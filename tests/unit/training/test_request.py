"""What may be asked of a training, by command and by task alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from db.errors import UsageError
from db.store import trainings
from tests.outage import Twice
from training.request import TrainingRequest, note

if TYPE_CHECKING:
    from db.engine import Database


def test_a_request_survives_its_way_through_json() -> None:
    """What is stored and sent is what was asked for."""
    request = TrainingRequest.of({"folder": "faces", "crops": True, "hold_out": 0.1})
    assert TrainingRequest.model_validate_json(request.model_dump_json()) == request


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give a folder of labelled images"),
        ({"foldr": "x"}, "no option 'foldr'; its options are folder, crops"),
        ({"folder": 3}, "folder: .*string"),
        ({"folder": "x", "hold_out": 0.9}, "hold_out: .*less than or equal to 0.5"),
        ({"folder": "x", "epochs": 3}, "epochs belongs to fine_tune"),
        ({"folder": "x", "fine_tune": True, "epochs": 0}, "epochs: "),
        ({"folder": "x", "taps": "mixed99"}, "'mixed99' is no layer"),
        ({"folder": "x", "fine_tune": True, "taps": "mixed3+mixed5"}, "has one tap"),
        ({"from_annotations": True, "crops": True}, "crops speaks of a folder's images"),
        ({"folder": "x", "size": 74}, "size: .*greater than or equal to 75"),
        ({"folder": "x", "force": "maybe"}, "force: .*boolean"),
    ],
)
def test_wrong_options_are_refused_in_one_line(options: dict[str, Any], message: str) -> None:
    """Each wrong option is named, with what would be right."""
    with pytest.raises(UsageError, match=message) as caught:
        TrainingRequest.of(options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "sources"),
    [
        ({"folder": "x"}, "x"),
        ({"from_annotations": True}, "annotations"),
        ({"folder": "x", "from_annotations": True}, "x and annotations"),
    ],
)
def test_sources_are_named_for_people(options: dict[str, Any], sources: str) -> None:
    """The log of activations can say what a model was trained on."""
    assert TrainingRequest.of(options).sources == sources


def test_a_request_whose_commit_was_not_answered_is_noted_once(database: Database) -> None:
    """The second try finds what the first one did, so that nothing is trained twice."""
    twice = Twice(database.url.render_as_string(hide_password=False))
    request = TrainingRequest.of({"folder": "faces"})
    record = note(twice, request, trigger="command")
    twice.close()
    with database.read() as connection:
        assert trainings.recent(connection) == [record]
