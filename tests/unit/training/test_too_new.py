"""A training that a newer kaolabel asked for waits for a trainer that knows what is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from db.store import trainings
from tests.squares import silent
from training.run import TooNewError, run_training
from training.settings import TrainingSettings

if TYPE_CHECKING:
    from pathlib import Path

    from db.engine import Database


def test_an_older_trainer_leaves_it_alone(sqlite: Database, home: Path) -> None:
    """It is told which option is new, nothing is begun, and nothing has failed."""
    with sqlite.write() as connection:
        request = '{"folder": "x", "of_tomorrow": true}'
        training = trainings.request(connection, request=request, trigger="task")
    with pytest.raises(TooNewError, match=r"left to newer trainers.*'of_tomorrow'"):
        run_training(sqlite, training, home=home, settings=TrainingSettings(), listener=silent)
    with sqlite.read() as connection:
        assert trainings.get(connection, training.id) == training
