"""What a trainer process holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from db.engine import Database
from db.settings import DatabaseSettings
from db.store import trainings
from training.settings import TrainingSettings
from worker.orphan import exit_with_parent

if TYPE_CHECKING:
    from pathlib import Path

    from db.records import TrainingRecord
    from training.request import TrainingRequest


@dataclass(frozen=True, slots=True)
class TrainerContext:
    """Database and settings of a process.

    Attributes:
        home: the folder that holds artifacts, backbones and caches.
    """

    database: Database
    home: Path
    settings: TrainingSettings

    def request(self, request: TrainingRequest, *, trigger: str) -> TrainingRecord:
        """Note a training in the ledger."""
        text = request.model_dump_json()
        return self.database.commit(lambda c: trainings.request(c, request=text, trigger=trigger))


def open_context() -> TrainerContext:
    """The context of a trainer process, as the environment describes it."""
    exit_with_parent()
    settings = DatabaseSettings()
    database = Database(settings.url, patience=settings.database_patience)
    return TrainerContext(database, settings.home, TrainingSettings())
