"""Model versions, the log of activations, and the embedders that they use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from db.clock import now
from db.records import VersionRecord
from db.store.upsert import insert_missing
from db.tables import Activation, EmbedderName, ModelVersion

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row, ScalarSelect, Select


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


def activate(connection: Connection, version_id: int, *, why: str) -> None:
    """Make a version the live one, from now on and in the log."""
    connection.execute(insert(Activation).values(version_id=version_id, at=now(), why=why))


def active(connection: Connection) -> VersionRecord | None:
    """The live version, if any was ever activated."""
    row = connection.execute(_versions().where(ModelVersion.id == active_version())).one_or_none()
    return None if row is None else _record(row)


def every(connection: Connection) -> list[VersionRecord]:
    """All versions, oldest first."""
    return [_record(row) for row in connection.execute(_versions().order_by(ModelVersion.id))]


def active_version() -> ScalarSelect[int]:
    """A subquery for the number of the live version."""
    return select(Activation.version_id).order_by(Activation.id.desc()).limit(1).scalar_subquery()


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
