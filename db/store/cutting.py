"""Jobs cut from a run's images or from all stored faces, and cut again where they go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select, update

from db.clock import now
from db.records import JobState, Outcome
from db.store.upsert import chunks
from db.tables import Face, Image, Job, PredictionRow, Run
from db.version import JOB_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Select

    from db.records import RelabelRecord

# Lost claims after which a job is split, or a lone image or face given up.
MAX_LOST_CLAIMS = 3


def cut_images(connection: Connection, run_id: int, *, size: int) -> int | None:
    """Make a job of the run's next `size` images; its id, or None when no image is left."""
    ids = connection.scalars(
        select(Image.id)
        .where(Image.run_id == run_id, Image.due, Image.job_id.is_(None))
        .order_by(Image.id)
        .limit(size)
    ).all()
    return _insert_images(connection, run_id, ids) if ids else None


def cut_faces(connection: Connection, relabel: RelabelRecord, *, size: int) -> int | None:
    """Make a job of the next `size` faces that the version has not seen; its id, or None."""
    cursor = connection.execute(select(Run.cursor).where(Run.id == relabel.id)).scalar_one()
    some = _unseen(relabel.version_id, after=cursor).order_by(Face.id).limit(size).subquery()
    first, last, count = connection.execute(
        select(func.min(some.c.id), func.max(some.c.id), func.count())
    ).one()
    if not count:
        # What was looked through is not looked through again.
        newest = connection.scalar(select(func.max(Face.id)))
        _move(connection, relabel.id, newest or cursor)
        return None
    _move(connection, relabel.id, last)
    return _insert(connection, relabel.id, count, faces=(first, last))


def insert_faces(connection: Connection, run_id: int, face_ids: Sequence[int]) -> int:
    """Make a job of some faces of a relabelling, in order; its id."""
    return _insert(connection, run_id, len(face_ids), faces=(face_ids[0], face_ids[-1]))


def split(connection: Connection, job_id: int) -> list[int]:
    """Cut a job that was lost too often in two, or give up its only image or face; the new jobs."""
    job = connection.execute(
        update(Job)
        .where(Job.id == job_id)
        .values(state=JobState.SPLIT, generation=Job.generation + 1, finished_at=now())
        .returning(Job.id, Job.run_id, Job.first_face, Job.last_face, Job.needs)
    ).one()
    if job.first_face is None:
        halves = _split_images(connection, job.id, job.run_id)
    else:
        halves = _split_faces(connection, job.id, job.run_id, (job.first_face, job.last_face))
    # Whoever splits a job may know less than is needed to do it.
    connection.execute(update(Job).where(Job.id.in_(halves)).values(needs=job.needs))
    return halves


def _split_images(connection: Connection, job_id: int, run_id: int) -> list[int]:
    ids = connection.scalars(
        select(Image.id).where(Image.job_id == job_id, Image.due).order_by(Image.id)
    ).all()
    if len(ids) > 1:
        return [_insert_images(connection, run_id, half) for half in _halves(ids)]
    connection.execute(
        update(Image)
        .where(Image.id.in_(ids))
        .values(
            due=False,
            outcome=Outcome.QUARANTINED,
            reason="worker_lost",
            detail=f"{MAX_LOST_CLAIMS} workers in a row died on this file alone",
        )
    )
    return []


def _split_faces(
    connection: Connection, job_id: int, run_id: int, faces: tuple[int, int]
) -> list[int]:
    version_id = select(Run.version_id).where(Run.id == run_id).scalar_subquery()
    unseen = _unseen(connection.execute(select(version_id)).scalar_one(), after=faces[0] - 1)
    ids = connection.scalars(unseen.where(Face.id <= faces[1]).order_by(Face.id)).all()
    if len(ids) > 1:
        return [insert_faces(connection, run_id, half) for half in _halves(ids)]
    if ids:
        error = f"face {ids[0]} is left out: {MAX_LOST_CLAIMS} workers in a row died on it alone"
        connection.execute(update(Job).where(Job.id == job_id).values(error=error))
    return []


def _unseen(version_id: int, *, after: int) -> Select[int]:
    seen = select(PredictionRow.face_id).where(
        PredictionRow.face_id == Face.id,
        PredictionRow.version_id == version_id,
        # Says nothing new, but keeps PostgreSQL from reading the predictions of all faces before.
        PredictionRow.face_id > after,
    )
    return select(Face.id).where(Face.id > after, ~seen.exists())


def _halves(ids: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
    middle = len(ids) // 2
    return ids[:middle], ids[middle:]


def _move(connection: Connection, relabel_id: int, cursor: int) -> None:
    connection.execute(update(Run).where(Run.id == relabel_id).values(cursor=cursor))


def _insert_images(connection: Connection, run_id: int, image_ids: Sequence[int]) -> int:
    job_id = _insert(connection, run_id, len(image_ids))
    for some in chunks(image_ids):
        connection.execute(update(Image).where(Image.id.in_(some)).values(job_id=job_id))
    return job_id


def _insert(
    connection: Connection, run_id: int, size: int, *, faces: tuple[int, int] | None = None
) -> int:
    first, last = faces or (None, None)
    return connection.execute(
        insert(Job)
        .values(
            run_id=run_id,
            state=JobState.QUEUED,
            size=size,
            attempts=0,
            generation=0,
            created_at=now(),
            not_before=0.0,
            decoded=0,
            first_face=first,
            last_face=last,
            needs=JOB_VERSION,
        )
        .returning(Job.id)
    ).scalar_one()
