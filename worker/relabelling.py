"""One relabelling job: stored embeddings, else stored crops, to predictions; no image is opened."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from db.store import faces, relabels, spans
from db.store.spans import SpanResult
from db.store.upsert import chunks
from worker.progress import untold
from worker.scoring import embed_stored, prediction_rows, stored_vectors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from db.engine import Database
    from db.records import Claim, RelabelRecord
    from db.store.spans import PredictionColumns, Span
    from worker.context import Context
    from worker.lease import Lease
    from worker.models.live import Model
    from worker.progress import Progress

P = ParamSpec("P")
T = TypeVar("T")

logger = logging.getLogger(__name__)

# Seconds after which a job commits what it has and leaves the rest for another one: faces without
# an embedding take a thousand times as long as the others, and no job's size can know of them.
_ENOUGH = 30.0

# Crops that are decoded and embedded at a time.
_CROPS = 512


def relabel(
    context: Context,
    claim: Claim,
    run: RelabelRecord,
    lease: Lease,
    *,
    database: Database,
    tell: Progress = untold,
) -> dict[str, int | None]:
    """Do a claimed job and commit it; `database` is waited for as the job's limit allows.

    Args:
        context: of this process.
        claim: of the job.
        run: the relabelling.
        lease: asked before each page.
        database: the ledger.
        tell: is told how far the whole relabelling is.

    Returns:
        How many faces were classified, how many of them are none of the known labels, by which
        version, and how many of how many faces the whole relabelling has done.

    Raises:
        ModelError: when this worker cannot load the version.
        LeaseLostError: when the job was taken over or the relabelling stopped.
        FencedError: when the job was taken over at the last moment.
    """
    model = context.classifier(run.version_id)
    span = database.fetch(lambda connection: spans.of_job(connection, claim.job_id))
    proven = partial(context.live.version, run.version_id)
    before = database.fetch(lambda connection: relabels.progress(connection, run.id))

    def step(done: int) -> None:
        tell("relabelling", before.done + done, before.listed)

    result = Relabelling(database, model, span, lease, proven=proven, progress=step).result()
    database.commit(lambda connection: spans.commit(connection, claim, result))
    after = database.fetch(lambda connection: relabels.progress(connection, run.id))
    return {
        "faces": len(result.predictions),
        "unknown": sum(row[4] for row in result.predictions),
        "version": run.version_id,
        "done": after.done,
        "of": after.listed,
    }


class Relabelling:
    """The work on one span of faces; memory holds a page of embeddings and all predictions.

    Args:
        database: holds the faces; is read in short transactions.
        model: of the version that is pinned; classifies.
        span: which faces.
        lease: asked before each page.
        proven: gives the same model, ready to embed; called only where an embedding is missing.
        progress: called with how many faces are done, before the first and after each page.
    """

    def __init__(
        self,
        database: Database,
        model: Model,
        span: Span,
        lease: Lease,
        *,
        proven: Callable[[], Model],
        progress: Callable[[int], None],
    ) -> None:
        self._database = database
        self._model = model
        self._span = span
        self._lease = lease
        self._proven = proven
        self._progress = progress
        self._rows: list[PredictionColumns] = []
        self._embedded: list[tuple[int, bytes]] = []
        self._left_out: list[str] = []
        self._rest: tuple[int, ...] = ()

    def result(self) -> SpanResult:
        """Classify every face of the span that the version has not seen."""
        self._progress(0)
        self._from_embeddings()
        self._from_crops()
        self._lease.require()
        return SpanResult(
            version_id=self._model.version_id,
            # By face, so that two writers of the same ones never wait for each other in a circle.
            predictions=sorted(self._rows),
            embeddings=self._embedded,
            rest=self._rest,
            error=_complaint(self._left_out),
        )

    def _from_embeddings(self) -> None:
        version_id = self._model.version_id
        seen = self._fetch(spans.seen, self._span, version_id=version_id)
        after: int | None = None
        while True:
            self._lease.require()
            page = self._fetch(spans.vectors, self._span, version_id=version_id, after=after)
            if not page:
                return
            after = page[-1][0]
            self._classify([row for row in page if row[0] not in seen])

    def _from_crops(self) -> None:
        ids = self._fetch(spans.bare, self._span, version_id=self._model.version_id)
        enough = time.monotonic() + _ENOUGH
        for done, some in enumerate(chunks(ids, _CROPS)):
            if time.monotonic() > enough:
                self._rest = tuple(ids[done * _CROPS :])
                return
            self._lease.require()
            self._embed(some)

    def _embed(self, ids: Sequence[int]) -> None:
        crops = self._fetch(faces.crops, ids)
        embedded, left_out = embed_stored(ids, crops, self._proven())
        self._embedded += embedded
        self._left_out += left_out
        for reason in left_out:
            logger.warning("%s", reason)
        self._classify(embedded)

    def _fetch(
        self,
        query: Callable[Concatenate[Connection, P], T],
        *arguments: P.args,
        **options: P.kwargs,
    ) -> T:
        return self._database.fetch(lambda connection: query(connection, *arguments, **options))

    def _classify(self, embedded: Sequence[tuple[int, bytes]]) -> None:
        if embedded:
            ids, vectors = zip(*embedded, strict=True)
            self._rows += prediction_rows(self._model, ids, stored_vectors(vectors))
            self._progress(len(self._rows))


def _complaint(left_out: list[str]) -> str | None:
    """One line of bounded length; the log has all of them."""
    if len(left_out) > 1:
        return f"{left_out[0]} (and {len(left_out) - 1:,} more: see the worker's log)"
    return left_out[0] if left_out else None
