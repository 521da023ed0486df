"""What a trainer process holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from db.engine import lazy_database
from db.settings import DatabaseSettings
from training.settings import TrainingSettings
from worker.orphan import exit_with_parent

if TYPE_CHECKING:
    from pathlib import Path

    from db.engine import Database


@dataclass(frozen=True, slots=True)
class TrainerContext:
    """Database and settings of a process.

    Attributes:
        home: the folder that holds artifacts, backbones and caches.
    """

    database: Database
    home: Path
    settings: TrainingSettings


def open_context() -> TrainerContext:
    """The context of a trainer process, as the environment describes it."""
    exit_with_parent()
    settings = DatabaseSettings()
    return TrainerContext(lazy_database(settings), settings.home, TrainingSettings())
