"""What one worker process holds; built on first use, after the process was started."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from db.errors import DetectorError
from db.process import parent_process, this_process
from db.store import workers
from worker.announcer import tell
from worker.configured import DEFAULT_INPUT, configured_chain, decoder_pool
from worker.debts import Debts
from worker.models.device import current
from worker.models.live import LiveModel, load, require_version

if TYPE_CHECKING:
    from pathlib import Path

    from db.engine import Database
    from worker.models.live import Model
    from worker.sandbox.pool import DecoderPool
    from worker.settings import WorkerSettings
    from worker.vision.chain import Chain


# Seconds that what only watchers need may cost a job.
_PATIENCE = 2.0


class Context:
    """Database, live model and decoders of a process.

    Args:
        database: the ledger.
        home: the folder that holds artifacts and backbones.
        settings: of the worker.
        job_limit: seconds after which a job's process is killed.

    Attributes:
        refusals: jobs that this process had to refuse since it did one.
    """

    def __init__(
        self, database: Database, *, home: Path, settings: WorkerSettings, job_limit: float
    ) -> None:
        self.database = database
        self.settings = settings
        self.job_limit = job_limit
        self.name = this_process()
        self.debts = Debts()
        self.refusals = 0
        self._home = home
        self.live = LiveModel(database, home=home, told=self._tell)
        self._pool: DecoderPool | None = None
        self._classifier: Model | None = None
        self._prepares = False

    def prepare(self) -> None:
        """Begin to start decoders and to load the model, side by side, before there is a job.

        What goes wrong with that is met again by the first job that needs it, and told there.
        """
        if self.settings.prepare == "nothing":
            return
        with suppress(DetectorError):
            self._decoders(DEFAULT_INPUT).warm_up()
        if self.settings.prepare == "model":
            self.live.prepare()
            self._prepares = True

    def settle(self) -> None:
        """Wait for the model that `prepare` began to load; later calls do nothing."""
        if self._prepares:
            self._prepares = False
            self.live.settle()

    @cached_property
    def chain(self) -> Chain:
        """The detectors of this process; relabelling goes without.

        Raises:
            DetectorError: when the settings name a cascade that cannot be used.
        """
        return configured_chain(self.settings, self._home)

    def _tell(self, version_id: int) -> None:
        """Let watchers know of the model that serves, and of what it is computed on."""
        device = current().name
        worker = parent_process()
        tell(
            self.database.with_patience(_PATIENCE),
            lambda connection: workers.describe(
                connection, worker, device=device, model_version_id=version_id
            ),
        )

    def classifier(self, version_id: int) -> Model:
        """Exactly this version, for embeddings that are stored already.

        Its network is neither built nor proven, which would take longer than to classify a hundred
        thousand faces; `live.version` gives one that may embed.

        Raises:
            ModelError: when the artifact is missing or damaged.
        """
        if self._classifier is None or self._classifier.version_id != version_id:
            version = require_version(self.database, version_id)
            self._classifier = load(version, home=self._home)
        return self._classifier

    def require_chain(self, chain_id: str) -> None:
        """Prove that this process can search as a run wants it.

        Raises:
            DetectorError: when it has other detectors.
        """
        if chain_id != self.chain.id:
            raise DetectorError(
                f"the run needs the detectors {chain_id}, worker {self.name} has {self.chain.id}:"
                " give it the same cascade with KAOLABEL_CASCADE"
            )

    def pool(self, model: Model | None) -> DecoderPool:
        """The decoders, cutting faces to the size that the model takes."""
        return self._decoders(DEFAULT_INPUT if model is None else model.embedder.spec.size)

    def _decoders(self, size: int) -> DecoderPool:
        if self._pool is None or self._pool.order.input_size != size:
            self.close()
            self._pool = decoder_pool(self.settings, self.chain, input_size=size)
        return self._pool

    def close(self) -> None:
        """End the decoders."""
        if self._pool is not None:
            self._pool.close()
