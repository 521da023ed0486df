"""The model that serves: the active version, swapped between jobs when another one is activated."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from db.errors import ModelError
from db.store import models

if TYPE_CHECKING:
    from pathlib import Path

    from db.engine import Database
    from db.records import VersionRecord
    from worker.vision.classify import Head
    from worker.vision.embed import Embedder

logger = logging.getLogger(__name__)

# Seconds for which the active version is not looked up again.
_POLL = 2.0


@dataclass(frozen=True, slots=True)
class Model:
    """A version that is loaded and ready."""

    version_id: int
    embedder: Embedder
    head: Head


class LiveModel:
    """Follows the active version; a version that cannot be loaded leaves the old one serving.

    Args:
        database: names the active version.
        home: the folder that holds artifacts and backbones.
    """

    def __init__(self, database: Database, *, home: Path) -> None:
        self._database = database
        self._home = home
        self._model: Model | None = None
        self._refused: int | None = None
        self._looked_at = float("-inf")

    def current(self) -> Model | None:
        """The model to use for the next job; None while no version was ever activated.

        Raises:
            ModelError: when the active version cannot be loaded and there is no older one to use.
        """
        if time.monotonic() - self._looked_at < _POLL and self._model is not None:
            return self._model
        with self._database.read() as connection:
            version = models.active(connection)
        self._looked_at = time.monotonic()
        if version is None or (self._model and self._model.version_id == version.id):
            return self._model
        if version.id != self._refused:
            self._swap(version)
        return self._model

    def _swap(self, version: VersionRecord) -> None:
        try:
            self._model = load(version, home=self._home, like=self._model)
        except ModelError as error:
            if self._model is None:
                raise
            self._refused = version.id
            logger.error("version %d is refused, the old one goes on: %s", version.id, error)  # noqa: TRY400  # the message is all there is to know
        else:
            logger.info("version %d serves", version.id)


def load(version: VersionRecord, *, home: Path, like: Model | None = None) -> Model:
    """Load a published version.

    Args:
        version: which one.
        home: the folder that holds artifacts and backbones.
        like: a loaded model, whose embedder is used again where the version has the same.

    Raises:
        ModelError: when the artifact is missing, damaged, or not the one that was published.
    """
    from worker.models import artifact
    from worker.vision.embed import Embedder

    loaded = artifact.load(artifact.stored_path(version.sha256, home=home), version.sha256)
    spec = loaded.manifest.embedder
    if like is not None and like.embedder.spec == spec:
        return Model(version.id, like.embedder, loaded.head)
    return Model(version.id, Embedder(spec, home=home), loaded.head)
