"""Model versions, the log of what was live, workers' refusals, and the embedders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, insert, select, update

from db.clock import now
from db.records import VersionRecord
from db.store.upsert import insert_missing
from db.tables import Activation, EmbedderName, ModelVersion, Refusal

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Row, ScalarSelect, Select


@dataclass(frozen=True, slots=True)
class ActivationRecord:
    """A line of the log of what was live.

    Attributes:
        at: when, in seconds since the epoch.
        why: the reason, for people.
        rollback: whether it went back to what was live before.
    """

    id: int
    version_id: int
    at: float
    why: str
    rollback: bool


@dataclass(frozen=True, slots=True)
class RefusalRecord:
    """A worker that could not load a version.

    Attributes:
        worker: the name of its host.
        reason: why, in one line.
        at: when it tried last, in seconds since the epoch.
    """

    version_id: int
    worker: str
    reason: str
    at: float


def embedder_number(connection: Connection, name: str) -> int:
    """The number of an embedder, which gets one where it has none."""
    query = select(EmbedderName.id).where(EmbedderName.name == name)
    number = connection.scalar(query)
    if number is None:
        insert_missing(connection, EmbedderName, [{"name": name}], key=("name",))
        number = connection.execute(query).scalar_one()
    return number


def publish(
    connection: Connection, *, sha256: str, embedder: str, manifest: str, parent_id: int | None
) -> VersionRecord:
    """Register an artifact; the same artifact again is the same version."""
    row = {
        "sha256": sha256,
        "embedder_id": embedder_number(connection, embedder),
        "manifest": manifest,
        "parent_id": parent_id,
        "created_at": connection.execute(select(now())).scalar_one(),
    }
    insert_missing(connection, ModelVersion, [row], key=("sha256",))
    found = connection.execute(_versions().where(ModelVersion.sha256 == sha256)).one()
    return _record(found)


def activate(connection: Connection, version_id: int, *, why: str, rollback: bool = False) -> None:
    """Make a version the live one, from now on and in the log; refusals of it are forgotten."""
    connection.execute(delete(Refusal).where(Refusal.version_id == version_id))
    values = {"version_id": version_id, "at": now(), "why": why, "rollback": rollback}
    connection.execute(insert(Activation).values(values))


def log(connection: Connection) -> list[ActivationRecord]:
    """Everything that was ever live, oldest first."""
    query = select(
        Activation.id, Activation.version_id, Activation.at, Activation.why, Activation.rollback
    )
    rows = connection.execute(query.order_by(Activation.id))
    return [ActivationRecord(**row._mapping) for row in rows]


def newest_activation(connection: Connection) -> tuple[int, int] | None:
    """The numbers of the newest line of the log and of its version, if there is any."""
    query = select(Activation.id, Activation.version_id).order_by(Activation.id.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else (row.id, row.version_id)


def refuse(connection: Connection, version_id: int, *, worker: str, reason: str) -> None:
    """Note that a worker cannot load a version; a newer reason takes the place of an older one."""
    at = connection.execute(select(now())).scalar_one()
    row = {"version_id": version_id, "worker": worker, "reason": reason, "at": at}
    # Processes of a host may be refusing the same version at the same moment.
    insert_missing(connection, Refusal, [row], key=("version_id", "worker"))
    connection.execute(update(Refusal).where(_refusal(version_id, worker)).values(row))


def accept(connection: Connection, version_id: int, *, worker: str) -> None:
    """Note that a worker can load a version after all."""
    connection.execute(delete(Refusal).where(_refusal(version_id, worker)))


def refusals(connection: Connection, *, version_id: int | None = None) -> list[RefusalRecord]:
    """Workers that could not load the live version, or another one, by name."""
    wanted = active_version() if version_id is None else version_id
    query = select(Refusal.version_id, Refusal.worker, Refusal.reason, Refusal.at)
    rows = connection.execute(query.where(Refusal.version_id == wanted).order_by(Refusal.worker))
    return [RefusalRecord(**row._mapping) for row in rows]


def active(connection: Connection) -> VersionRecord | None:
    """The live version, if any was ever activated."""
    row = connection.execute(_versions().where(ModelVersion.id == active_version())).one_or_none()
    return None if row is None else _record(row)


def get(connection: Connection, version_id: int) -> VersionRecord | None:
    """A version by its number, if there is one."""
    row = connection.execute(_versions().where(ModelVersion.id == version_id)).one_or_none()
    return None if row is None else _record(row)


def by_hash(connection: Connection, prefix: str) -> list[VersionRecord]:
    """Versions whose artifact's hash begins so, oldest first; `prefix` is hexadecimal digits."""
    query = _versions().where(ModelVersion.sha256.startswith(prefix, autoescape=True))
    return [_record(row) for row in connection.execute(query.order_by(ModelVersion.id))]


def every(connection: Connection) -> list[VersionRecord]:
    """All versions, oldest first."""
    return [_record(row) for row in connection.execute(_versions().order_by(ModelVersion.id))]


def active_version() -> ScalarSelect[int]:
    """A subquery for the number of the live version."""
    return select(Activation.version_id).order_by(Activation.id.desc()).limit(1).scalar_subquery()


def _refusal(version_id: int, worker: str) -> ColumnElement[bool]:
    return and_(Refusal.version_id == version_id, Refusal.worker == worker)


def _versions() -> Select[*tuple[Any, ...]]:
    return select(
        ModelVersion.id,
        ModelVersion.sha256,
        EmbedderName.name.label("embedder"),
        ModelVersion.manifest,
        ModelVersion.parent_id,
        ModelVersion.created_at,
        (ModelVersion.id == active_version()).label("active"),
    ).join(EmbedderName, EmbedderName.id == ModelVersion.embedder_id)


def _record(row: Row[*tuple[Any, ...]]) -> VersionRecord:
    values = dict(row._mapping)
    values["active"] = bool(values["active"])
    return VersionRecord(**values)
