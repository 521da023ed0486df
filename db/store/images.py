"""Images: the files of an archive, and which of them a run has yet to work on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, select, update

from db.records import JobImage, Outcome
from db.store.runs import display
from db.store.upsert import chunks
from db.tables import Detection, Image, Job

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

    from db.records import FileEntry, RunRecord


def register(
    connection: Connection, run: RunRecord, entries: Sequence[FileEntry], *, version_id: int | None
) -> None:
    """Note that the run has seen these files, and which of them it must work on.

    A file is due when it is new or changed, when its bytes never became a content, or when its
    result is not by the run's chain or lacks a prediction by `version_id`. One in quarantine is
    not: `refused.give_to` gives it another try. To register the same files again changes nothing.
    """
    known = _known(connection, run.archive_id, [entry.path for entry in entries])
    fresh = [_row(run, entry) for entry in entries if entry.path not in known]
    if fresh:
        connection.execute(insert(Image), fresh)
    changed, due, seen = [], [], []
    for entry in entries:
        row = known.get(entry.path)
        if row is None:
            continue
        if (row.size, row.mtime_ns) != (entry.size, entry.mtime_ns):
            changed.append({"key": row.id, "size": entry.size, "mtime_ns": entry.mtime_ns})
        elif not row.due and _complete(row, run, version_id):
            seen.append(row.id)
        elif not (row.due and row.job_run_id == run.id):
            due.append(row.id)
    _mark_changed(connection, run, changed)
    for some in chunks(due):
        _update(connection, some, run_id=run.id, due=True, job_id=None)
    for some in chunks(seen):
        _update(connection, some, run_id=run.id)


def of_job(connection: Connection, job_id: int) -> list[JobImage]:
    """The images that a job has yet to work on, in the order of the walk."""
    rows = connection.execute(
        select(Image.id, Image.path, Image.size, Image.content_id)
        .where(Image.job_id == job_id, Image.due)
        .order_by(Image.id)
    )
    return [JobImage(*row) for row in rows]


def _known(
    connection: Connection, archive_id: int, paths: Sequence[bytes]
) -> dict[bytes, Row[*tuple[Any, ...]]]:
    query = (
        select(
            Image.id,
            Image.path,
            Image.size,
            Image.mtime_ns,
            Image.due,
            Image.outcome,
            Image.content_id,
            Image.version_id,
            Detection.chain_id,
            Job.run_id.label("job_run_id"),
        )
        .outerjoin(Detection, Detection.id == Image.detection_id)
        .outerjoin(Job, Job.id == Image.job_id)
    )
    found: dict[bytes, Row[*tuple[Any, ...]]] = {}
    for some in chunks(paths):
        where = (Image.archive_id == archive_id, Image.path.in_(some))
        found.update((row.path, row) for row in connection.execute(query.where(*where)))
    return found


def _complete(row: Row[*tuple[Any, ...]], run: RunRecord, version_id: int | None) -> bool:
    if row.outcome == Outcome.QUARANTINED:
        # Bytes whose verdict was dropped are for the next run to judge, or to link.
        return row.content_id is None or row.chain_id is not None
    if row.content_id is None or row.chain_id != run.chain_id:
        return False
    if run.detect_only or version_id is None or row.outcome != Outcome.FACES:
        return True
    return bool(row.version_id == version_id)


def _row(run: RunRecord, entry: FileEntry) -> dict[str, Any]:
    return {
        "archive_id": run.archive_id,
        "path": entry.path,
        "display": display(entry.path),
        "size": entry.size,
        "mtime_ns": entry.mtime_ns,
        "run_id": run.id,
        "due": True,
    }


def _mark_changed(connection: Connection, run: RunRecord, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    connection.execute(
        update(Image)
        .where(Image.id == bindparam("key"))
        .values(
            size=bindparam("size"),
            mtime_ns=bindparam("mtime_ns"),
            run_id=run.id,
            due=True,
            job_id=None,
            content_id=None,
            detection_id=None,
            version_id=None,
            outcome=None,
            reason=None,
            detail=None,
        ),
        rows,
    )


def _update(connection: Connection, ids: Sequence[int], **values: Any) -> None:
    connection.execute(update(Image).where(Image.id.in_(ids)).values(**values))
