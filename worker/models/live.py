"""The model that serves: the active version, swapped between jobs when another one is activated."""

from __future__ import annotations

import logging
import socket
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from db.errors import KaolabelError, ModelError
from db.logs.fields import fields
from db.store import models
from worker.background import Background

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from db.engine import Database
    from db.records import VersionRecord
    from worker.models.artifact import Artifact
    from worker.vision.classify import Head
    from worker.vision.embed import Embedder

logger = logging.getLogger(__name__)

# Seconds for which the active version is not looked up again.
_POLL = 2.0
# Seconds after which a version that could not be loaded is tried again: a file may be on its way.
_RETRY = 60.0
_LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Model:
    """A version that is loaded and ready."""

    version_id: int
    embedder: Embedder
    head: Head


@dataclass(frozen=True, slots=True)
class _Loading:
    """A version on its way, and the activation that asked for it."""

    version_id: int
    activation: int
    work: Background[Model]


class LiveModel:
    """Follows the active version, and never leaves a process without the model that it has.

    The first model is waited for, as there is nothing to do without one; `prepare` begins to load
    it before anybody asks. Each later one is loaded, warmed and proven on its golden faces in a
    thread of its own, while the old one serves; the swap itself is one assignment between two jobs.
    A version that fails is noted in the database for people to see, the old one goes on, and it is
    tried again later.

    Only one thread, the one that does the jobs, may call the methods.

    Args:
        database: names the active version.
        home: the folder that holds artifacts and backbones.
        told: is called with each version that is ready to serve, by whichever thread has it ready.
    """

    def __init__(
        self, database: Database, *, home: Path, told: Callable[[int], None] | None = None
    ) -> None:
        self._told = told or _tell_nobody
        self._database = database
        self._home = home
        # Processes come and go, and all those of a host read the same files: it refuses as one.
        self._worker = socket.gethostname()
        self._prepared: Background[Model | None] | None = None
        self._serving: Model | None = None
        self._pinned: Model | None = None
        self._loading: _Loading | None = None
        self._wanted: tuple[int, int] | None = None
        self._looked_at = float("-inf")
        self._retry: tuple[int, float] = (0, 0.0)

    def prepare(self) -> None:
        """Begin to load the active version, if there is one, in a thread of its own."""
        self._prepared = Background(self._load_active, name="first-model")

    def settle(self) -> None:
        """Wait for what `prepare` began, well or not.

        A version that could not be loaded is tried once more when it is asked for, and noted then.
        """
        prepared, self._prepared = self._prepared, None
        if prepared is None or prepared.error() is not None:
            return
        self._pinned = prepared.result()
        if self._pinned is not None:
            self._accept(self._pinned.version_id)

    def current(self) -> Model | None:
        """The model to use for the next job; None while no version was ever activated.

        Raises:
            ModelError: when the active version cannot be used and there is no older one to use.
        """
        wanted = self._look()
        if wanted is None:
            return None
        activation, version_id = wanted
        if self._serving is None:
            self._swap(self.version(version_id))
        self._collect()
        if self._serving is not None and self._serving.version_id != version_id:
            self._follow(activation, version_id)
        return self._serving

    def version(self, version_id: int) -> Model:
        """Exactly this version, live or not; it is kept until another one is asked for.

        Args:
            version_id: its number.

        Raises:
            ModelError: when it cannot be used.
        """
        self.settle()
        loading = self._loading
        if loading is not None and loading.version_id == version_id:
            # To wait for it is quicker than to load it twice.
            loading.work.error()
            self._collect()
        for model in (self._serving, self._pinned):
            if model is not None and model.version_id == version_id:
                return model
        self._pinned = self._load(version_id)
        return self._pinned

    def _load_active(self) -> Model | None:
        with self._database.read() as connection:
            version = models.active(connection)
        if version is None:
            return None
        model = load_proven(version, home=self._home)
        self._told(model.version_id)
        return model

    def _look(self) -> tuple[int, int] | None:
        """The newest activation and its version, as of a moment ago."""
        if time.monotonic() - self._looked_at >= _POLL or self._serving is None:
            with self._database.read() as connection:
                self._wanted = models.newest_activation(connection)
            self._looked_at = time.monotonic()
        return self._wanted

    def _follow(self, activation: int, version_id: int) -> None:
        """Begin to load the wanted version, unless one is being loaded or it was just refused."""
        if self._pinned is not None and self._pinned.version_id == version_id:
            self._swap(self._pinned)
            return
        refused, again_at = self._retry
        just_refused = refused == activation and time.monotonic() < again_at
        if self._loading is None and not just_refused:
            version = require_version(self._database, version_id)
            load = partial(load_proven, version, home=self._home, like=self._like(version))
            work = Background(load, name=f"model-{version_id}")
            self._loading = _Loading(version_id, activation, work)

    def _collect(self) -> None:
        """Take over what has been loaded, if it is still wanted; note what could not be."""
        loading = self._loading
        if loading is None or not loading.work.done:
            return
        self._loading = None
        error = loading.work.error()
        if error is not None:
            self._retry = (loading.activation, time.monotonic() + _RETRY)
            self._refuse(loading.version_id, error)
            return
        self._accept(loading.version_id)
        if self._wanted is not None and self._wanted[1] == loading.version_id:
            self._swap(loading.work.result())

    def _swap(self, model: Model) -> None:
        self._serving, self._pinned = model, None
        logger.info("version %d serves", model.version_id, extra=fields(version=model.version_id))
        self._told(model.version_id)

    def _load(self, version_id: int) -> Model:
        version = require_version(self._database, version_id)
        try:
            model = load_proven(version, home=self._home, like=self._like(version))
        except KaolabelError as error:
            self._refuse(version_id, error)
            raise
        self._accept(version_id)
        return model

    def _like(self, version: VersionRecord) -> Model | None:
        """A loaded model with the embedder of a version, if there is one."""
        loaded = [model for model in (self._serving, self._pinned) if model is not None]
        return next((one for one in loaded if one.embedder.spec.id == version.embedder), None)

    def _refuse(self, version_id: int, error: BaseException) -> None:
        known = isinstance(error, KaolabelError)
        reason = str(error) if known else f"{type(error).__name__}: {error}"
        line = " ".join(reason.split())[:_LONGEST_REASON]
        logger.error(
            "version %d is refused: %s", version_id, line, extra=fields(version=version_id)
        )
        self._database.commit(
            lambda connection: models.refuse(
                connection, version_id, worker=self._worker, reason=line
            )
        )

    def _accept(self, version_id: int) -> None:
        self._database.commit(
            lambda connection: models.accept(connection, version_id, worker=self._worker)
        )


def require_version(database: Database, version_id: int) -> VersionRecord:
    """A version that a job names.

    Raises:
        ModelError: when there is none of that number any more.
    """
    with database.read() as connection:
        version = models.get(connection, version_id)
    if version is None:
        raise ModelError(f"there is no model version {version_id} in the database any more")
    return version


def load(version: VersionRecord, *, home: Path, like: Model | None = None) -> Model:
    """Load a published version; its network is built when the first faces come.

    Args:
        version: which one.
        home: the folder that holds artifacts and backbones.
        like: a loaded model, whose embedder is used again where the version has the same.

    Returns:
        The model, unproven.

    Raises:
        ModelError: when the artifact is missing, damaged, or not the one that was published.
    """
    return assemble(version.id, _artifact(version, home), home=home, like=like)


def load_proven(version: VersionRecord, *, home: Path, like: Model | None = None) -> Model:
    """Load a published version, build its network, and let it prove itself on its golden faces.

    Args:
        version: which one.
        home: the folder that holds artifacts and backbones.
        like: a loaded model, whose embedder is used again where the version has the same.

    Returns:
        The model, warm.

    Raises:
        ModelError: when artifact or backbone are missing or damaged, or give other results.
    """
    loaded = _artifact(version, home)
    model = assemble(version.id, loaded, home=home, like=like)
    require_proof(model, loaded)
    return model


def assemble(version_id: int, loaded: Artifact, *, home: Path, like: Model | None = None) -> Model:
    """Make a model of an artifact that was read.

    Args:
        version_id: the number under which it is published.
        loaded: the artifact.
        home: the folder that holds backbones.
        like: a loaded model, whose embedder is used again where the artifact has the same.

    Returns:
        The model, unproven.
    """
    from worker.vision.embed import Embedder

    spec = loaded.manifest.embedder
    shared = None if like is None or like.embedder.spec != spec else like.embedder
    return Model(version_id, shared or Embedder(spec, home=home), loaded.head)


def require_proof(model: Model, loaded: Artifact) -> None:
    """Let a model prove itself on the golden faces of its artifact.

    Raises:
        ModelError: when its backbone is missing or damaged, or gives other results.
    """
    from worker.models.evidence import prove

    try:
        prove(model, loaded.evidence)
    except ModelError as error:
        raise ModelError(f"version {model.version_id} does not prove itself: {error}") from error


def _artifact(version: VersionRecord, home: Path) -> Artifact:
    from worker.models import artifact

    return artifact.load_stored(version.sha256, home=home)


def _tell_nobody(_version_id: int) -> None:
    pass
