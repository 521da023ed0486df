"""Spans of faces: what a relabelling job reads, and the transaction in which it writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from db.clock import now
from db.store import bulk, cutting, jobs
from db.tables import Embedding, Face, Job, ModelVersion, PredictionRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from db.records import Claim

# A row of predictions: face id, version id, label, confidence, unknown, top as JSON.
PredictionColumns = tuple[int, int, str, float, bool, str]

# A page of embeddings is up to 4,096 times 3 to 10 kilobytes.
_PAGE = 4096

_VECTORS = (
    "SELECT face_id, vector FROM embeddings"
    " WHERE embedder_id = ? AND face_id > ? AND face_id <= ? ORDER BY face_id LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class Span:
    """The faces of a job: all with ids from `first` to `last`, both included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class SpanResult:
    """What a relabelling job writes.

    Attributes:
        predictions: sorted by face.
        embeddings: (face id, vector: float16, little-endian) of faces that had none by the
            version's embedder, in the same order.
        rest: faces that are left to another job.
        error: faces that were left out and why, or None.
    """

    version_id: int
    predictions: Sequence[PredictionColumns]
    embeddings: Sequence[tuple[int, bytes]]
    rest: Sequence[int]
    error: str | None


def of_job(connection: Connection, job_id: int) -> Span:
    """The span of a relabelling job."""
    row = connection.execute(select(Job.first_face, Job.last_face).where(Job.id == job_id)).one()
    return Span(first=row.first_face, last=row.last_face)


def seen(connection: Connection, span: Span, *, version_id: int) -> set[int]:
    """The faces of the span that have a prediction by the version."""
    query = select(PredictionRow.face_id).where(PredictionRow.version_id == version_id)
    within = PredictionRow.face_id.between(span.first, span.last)
    return set(connection.scalars(query.where(within)))


def vectors(
    connection: Connection, span: Span, *, version_id: int, after: int | None = None
) -> Sequence[tuple[int, bytes]]:
    """The next few thousand faces of the span that have an embedding, with it, in order.

    Args:
        span: of which faces.
        version_id: by whose embedder.
        after: the last face that was read before.
    """
    number = _embedder(connection, version_id)
    start = span.first - 1 if after is None else after
    return bulk.read_rows(connection, _VECTORS, number, start, span.last, _PAGE)


def bare(connection: Connection, span: Span, *, version_id: int) -> list[int]:
    """Faces of the span that the version has not seen, and its embedder neither, in order."""
    embedded = select(Embedding.face_id).where(
        Embedding.face_id == Face.id,
        Embedding.embedder_id == _embedder(connection, version_id),
        # Says nothing new, but keeps PostgreSQL from reading the embeddings of all faces.
        Embedding.face_id.between(span.first, span.last),
    )
    query = select(Face.id).where(Face.id.between(span.first, span.last), ~embedded.exists())
    ids = connection.scalars(query.order_by(Face.id)).all()
    done = seen(connection, span, version_id=version_id) if ids else set()
    return [face_id for face_id in ids if face_id not in done]


def commit(connection: Connection, claim: Claim, result: SpanResult) -> None:
    """Write a relabelling job's results and mark it done.

    Raises:
        FencedError: when the claim is no longer the job's newest one.
    """
    # First, so that a fenced writer waits for nobody and undoes nothing.
    jobs.finish(
        connection,
        claim,
        version_id=result.version_id,
        decoded=len(result.embeddings),
        error=result.error,
    )
    number = _embedder(connection, result.version_id)
    embedded: list[tuple[Any, ...]] = [(face, number, vector) for face, vector in result.embeddings]
    bulk.insert_rows(connection, Embedding, embedded)
    if result.rest:
        cutting.insert_faces(connection, claim.run.id, result.rest)
    bulk.insert_rows(connection, PredictionRow, result.predictions)
    # What was really done and when, so that the counts of jobs add up and their rate is right.
    done = {"size": len(result.predictions), "finished_at": now()}
    connection.execute(update(Job).where(Job.id == claim.job_id).values(done))


def _embedder(connection: Connection, version_id: int) -> int:
    query = select(ModelVersion.embedder_id).where(ModelVersion.id == version_id)
    return connection.execute(query).scalar_one()
