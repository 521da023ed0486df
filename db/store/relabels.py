"""Relabellings: runs without an archive, which bring every stored face up to a model version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from db import process
from db.clock import now
from db.records import JobState, Progress, RelabelRecord, RunState
from db.store import producers, runs
from db.tables import Detection, Embedding, Face, Image, Job, ModelVersion, PredictionRow, Run

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row, Select

    from db.records import RunRecord

RELABEL = "relabel"


def start(connection: Connection, *, version_id: int) -> RelabelRecord:
    """Begin a relabelling; unfinished earlier ones are superseded, their jobs cancelled."""
    runs.supersede(connection, Run.kind == RELABEL)
    relabel_id = connection.execute(
        insert(Run)
        .values(
            kind=RELABEL,
            version_id=version_id,
            cursor=0,
            detect_only=False,
            state=RunState.ACTIVE,
            walked=True,
            listed=lacking(connection, version_id),
            skipped=0,
            started_at=now(),
            heartbeat_at=now(),
            holder=process.this_process(),
        )
        .returning(Run.id)
    ).scalar_one()
    return get(connection, relabel_id)


def get(connection: Connection, relabel_id: int) -> RelabelRecord:
    """The relabelling of that number.

    Raises:
        LookupError: when there is none.
    """
    row = connection.execute(_relabels().where(Run.id == relabel_id)).one_or_none()
    if row is None:
        raise LookupError(f"there is no relabelling {relabel_id}")
    return _record(row)


def either(connection: Connection, run_id: int) -> RunRecord | RelabelRecord:
    """The run or the relabelling of that number.

    Raises:
        LookupError: when there is neither.
    """
    row = connection.execute(_relabels().where(Run.id == run_id)).one_or_none()
    return runs.get(connection, run_id) if row is None else _record(row)


def every(connection: Connection, *, state: tuple[RunState, ...]) -> list[RelabelRecord]:
    """All relabellings in one of the states, oldest first."""
    rows = connection.execute(_relabels().where(Run.state.in_(state)).order_by(Run.id))
    return [_record(row) for row in rows]


def latest(connection: Connection) -> RelabelRecord | None:
    """The newest relabelling, whatever became of it."""
    row = connection.execute(_relabels().order_by(Run.id.desc()).limit(1)).one_or_none()
    return None if row is None else _record(row)


def unfinished(connection: Connection) -> RelabelRecord | None:
    """The relabelling that waits to be gone on with; there is one at most."""
    found = every(connection, state=runs.UNFINISHED)
    return found[-1] if found else None


def live(connection: Connection) -> producers.Producer | None:
    """The command that is relabelling right now, if any."""
    return producers.live(connection, Run.kind == RELABEL)


def activate(connection: Connection, relabel_id: int) -> RelabelRecord:
    """Take up a stopped relabelling again, where it was."""
    runs.take_up(connection, relabel_id)
    return get(connection, relabel_id)


def lacking(connection: Connection, version_id: int) -> int:
    """How many stored faces have no prediction by the version."""
    faces = select(func.count()).select_from(Face).scalar_subquery()
    scored = select(func.count()).where(PredictionRow.version_id == version_id).scalar_subquery()
    return int(connection.execute(select(faces - scored)).scalar_one())


def without_embedding(connection: Connection, version_id: int) -> int:
    """How many stored faces have no embedding by the version's embedder."""
    faces = select(func.count()).select_from(Face).scalar_subquery()
    number = select(ModelVersion.embedder_id).where(ModelVersion.id == version_id)
    embedded = select(func.count()).where(Embedding.embedder_id == number.scalar_subquery())
    return int(connection.execute(select(faces - embedded.scalar_subquery())).scalar_one())


def progress(connection: Connection, relabel_id: int) -> Progress:
    """How many faces the relabelling has before it and done, and its open jobs."""
    listed = connection.execute(select(Run.listed).where(Run.id == relabel_id)).scalar_one()
    done = relabelled(connection, relabel_id)
    in_flight, still_open = runs.open_jobs(connection, relabel_id)
    # Faces that other runs store meanwhile come on top of those counted at the start.
    return Progress(
        listed=max(listed, done), done=done, jobs_in_flight=in_flight, jobs_open=still_open
    )


def relabelled(connection: Connection, relabel_id: int) -> int:
    """How many faces got a prediction by the relabelling's jobs."""
    return connection.execute(
        select(func.coalesce(func.sum(Job.size), 0)).where(
            Job.run_id == relabel_id, Job.state == JobState.DONE
        )
    ).scalar_one()


def complaints(connection: Connection, relabel_id: int) -> list[str]:
    """What went wrong with faces that were left out, in the order of the faces."""
    return list(
        connection.scalars(
            select(Job.error)
            .where(Job.run_id == relabel_id, Job.error.is_not(None))
            .where(Job.state.in_((JobState.DONE, JobState.SPLIT)))
            .order_by(Job.first_face)
        )
    )


def settle(connection: Connection, version_id: int) -> None:
    """Note which images have all faces predicted by the version, so that no run does it again."""
    scored = (
        select(PredictionRow.face_id)
        .where(PredictionRow.face_id == Face.id, PredictionRow.version_id == version_id)
        .exists()
    )
    bare = select(Face.id).where(Face.detection_id == Image.detection_id, ~scored).exists()
    connection.execute(
        update(Image)
        .where(~Image.due, Image.detection_id.is_not(None), ~bare)
        .where(Image.version_id.is_distinct_from(version_id))
        .where(Image.detection_id.in_(select(Detection.id).where(Detection.outcome == "faces")))
        .values(version_id=version_id)
    )


def _relabels() -> Select[*tuple[Any, ...]]:
    return select(
        Run.id,
        Run.version_id,
        Run.state,
        Run.reason,
        Run.cursor,
        Run.started_at,
        Run.finished_at,
    ).where(Run.kind == RELABEL)


def _record(row: Row[*tuple[Any, ...]]) -> RelabelRecord:
    values = dict(row._mapping)
    values["state"] = RunState(values["state"])
    return RelabelRecord(**values)
