"""The tables, as SQLAlchemy classes; the Alembic history in `db/migrations` creates them.

Times are seconds since the epoch (UTC) as told by the database's own clock, so that leases do not
depend on the clocks of workers.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# SQLite counts rows up only in a column declared INTEGER.
Id = BigInteger().with_variant(Integer, "sqlite")


class Table(DeclarativeBase):
    """The declarative root; constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Archive(Table):
    """A folder that has been labelled; its root is kept byte-exact."""

    __tablename__ = "archives"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    root: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    display: Mapped[str] = mapped_column(Text)


class Run(Table):
    """Work on many images or faces, cut into jobs.

    A `label` run has an archive and pins a detector chain; a `relabel` run has neither, pins a
    model version, and moves `cursor` over the ids of all stored faces. `holder` names the producer
    at work, as HOST:PID.
    """

    __tablename__ = "runs"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), server_default="label")
    archive_id: Mapped[int | None] = mapped_column(ForeignKey("archives.id"), index=True)
    chain_id: Mapped[str | None] = mapped_column(String(200))
    version_id: Mapped[int | None] = mapped_column(ForeignKey("model_versions.id"))
    cursor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    detect_only: Mapped[bool] = mapped_column(Boolean)
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(Text)
    walked: Mapped[bool] = mapped_column(Boolean)
    listed: Mapped[int] = mapped_column(Integer)
    skipped: Mapped[int] = mapped_column(Integer)
    started_at: Mapped[float] = mapped_column(Double)
    heartbeat_at: Mapped[float] = mapped_column(Double)
    finished_at: Mapped[float | None] = mapped_column(Double)
    holder: Mapped[str | None] = mapped_column(Text)


class Content(Table):
    """Bytes, whatever their file names."""

    __tablename__ = "contents"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    size: Mapped[int] = mapped_column(BigInteger)
    format: Mapped[str | None] = mapped_column(String(16))
    width: Mapped[int | None] = mapped_column(Integer)
    height: Mapped[int | None] = mapped_column(Integer)


class Job(Table):
    """A chunk of a run's images or faces; the message that wakes a worker carries only its id.

    A job of a relabel run holds the faces with ids from `first_face` to `last_face`, both included.
    `figures` is what a done job found and how long it took, as JSON of `db.figures`; empty where an
    older worker did it. `needs` is the `JOB_VERSION` that a worker must know to do it.
    """

    __tablename__ = "jobs"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"))
    state: Mapped[str] = mapped_column(String(16))
    size: Mapped[int] = mapped_column(Integer)
    attempts: Mapped[int] = mapped_column(Integer)
    generation: Mapped[int] = mapped_column(Integer)
    lease_until: Mapped[float | None] = mapped_column(Double)
    worker: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[float] = mapped_column(Double)
    published_at: Mapped[float | None] = mapped_column(Double)
    not_before: Mapped[float] = mapped_column(Double)
    claimed_at: Mapped[float | None] = mapped_column(Double)
    finished_at: Mapped[float | None] = mapped_column(Double)
    version_id: Mapped[int | None] = mapped_column(ForeignKey("model_versions.id"))
    decoded: Mapped[int] = mapped_column(Integer)
    error: Mapped[str | None] = mapped_column(Text)
    first_face: Mapped[int | None] = mapped_column(BigInteger)
    last_face: Mapped[int | None] = mapped_column(BigInteger)
    figures: Mapped[str | None] = mapped_column(Text)
    needs: Mapped[int] = mapped_column(Integer, server_default="1")

    # By state first, as the reconciler asks for all leased jobs, whatever their run.
    __table_args__ = (Index(None, "state", "run_id", "finished_at"),)


class Image(Table):
    """A file of an archive, by its byte-exact path below the root, and what became of it."""

    __tablename__ = "images"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    archive_id: Mapped[int] = mapped_column(ForeignKey("archives.id"))
    path: Mapped[bytes] = mapped_column(LargeBinary)
    display: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    mtime_ns: Mapped[int] = mapped_column(BigInteger)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"))
    due: Mapped[bool] = mapped_column(Boolean)
    job_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id"), index=True)
    content_id: Mapped[int | None] = mapped_column(ForeignKey("contents.id"), index=True)
    detection_id: Mapped[int | None] = mapped_column(ForeignKey("detections.id"), index=True)
    version_id: Mapped[int | None] = mapped_column(ForeignKey("model_versions.id"))
    outcome: Mapped[str | None] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(64))
    detail: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        UniqueConstraint("archive_id", "path"),
        Index(
            "ix_images_due",
            "run_id",
            "job_id",
            "id",
            # Each as SQLAlchemy writes it in queries: SQLite takes the index for nothing else.
            sqlite_where=text("due = 1"),
            postgresql_where=text("due"),
        ),
        # Few among many, and asked for again and again.
        Index(
            "ix_images_refused",
            "outcome",
            "reason",
            sqlite_where=text("outcome IN ('unreadable', 'quarantined')"),
            postgresql_where=text("outcome IN ('unreadable', 'quarantined')"),
        ),
    )


class Detection(Table):
    """What a detector chain made of a content; an unreadable content has its reason here.

    `decoder` names the libraries that judged the bytes; empty where an older worker wrote the row.
    """

    __tablename__ = "detections"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    content_id: Mapped[int] = mapped_column(ForeignKey("contents.id"))
    chain_id: Mapped[str] = mapped_column(String(200))
    outcome: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(64))
    detail: Mapped[str | None] = mapped_column(Text)
    decoder: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (UniqueConstraint("content_id", "chain_id"),)


class Preview(Table):
    """A small JPEG of a content in which no face was found."""

    __tablename__ = "previews"

    detection_id: Mapped[int] = mapped_column(ForeignKey("detections.id"), primary_key=True)
    jpeg: Mapped[bytes] = mapped_column(LargeBinary)


class Face(Table):
    """A face of a detection; the box is xyxy in pixels of the upright image."""

    __tablename__ = "faces"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    detection_id: Mapped[int] = mapped_column(ForeignKey("detections.id"))
    index: Mapped[int] = mapped_column(Integer)
    x0: Mapped[int] = mapped_column(Integer)
    y0: Mapped[int] = mapped_column(Integer)
    x1: Mapped[int] = mapped_column(Integer)
    y1: Mapped[int] = mapped_column(Integer)
    detector: Mapped[str] = mapped_column(String(64))
    score: Mapped[float] = mapped_column(Double)

    __table_args__ = (UniqueConstraint("detection_id", "index"),)


class FaceCrop(Table):
    """The stored pixels of a face, and the face's own box within them."""

    __tablename__ = "crops"

    face_id: Mapped[int] = mapped_column(ForeignKey("faces.id"), primary_key=True)
    jpeg: Mapped[bytes] = mapped_column(LargeBinary)
    x0: Mapped[int] = mapped_column(Integer)
    y0: Mapped[int] = mapped_column(Integer)
    x1: Mapped[int] = mapped_column(Integer)
    y1: Mapped[int] = mapped_column(Integer)


class EmbedderName(Table):
    """The id text of an embedder, once, so that embeddings can name it by number."""

    __tablename__ = "embedders"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)


class Embedding(Table):
    """A face's float16 vector by one embedder, little-endian."""

    __tablename__ = "embeddings"

    face_id: Mapped[int] = mapped_column(ForeignKey("faces.id"), primary_key=True)
    embedder_id: Mapped[int] = mapped_column(ForeignKey("embedders.id"), primary_key=True)
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class ModelVersion(Table):
    """A published artifact."""

    __tablename__ = "model_versions"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    embedder_id: Mapped[int] = mapped_column(ForeignKey("embedders.id"))
    manifest: Mapped[str] = mapped_column(Text)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("model_versions.id"))
    created_at: Mapped[float] = mapped_column(Double)


class Activation(Table):
    """The log of what was live, when and why; the newest row names the active version.

    `rollback` marks the rows that went back to what was live before.
    """

    __tablename__ = "activations"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("model_versions.id"))
    at: Mapped[float] = mapped_column(Double)
    why: Mapped[str] = mapped_column(Text)
    rollback: Mapped[bool] = mapped_column(Boolean, server_default=false())


class Refusal(Table):
    """A worker that could not load a version, and why; the row goes when it can."""

    __tablename__ = "refusals"

    version_id: Mapped[int] = mapped_column(ForeignKey("model_versions.id"), primary_key=True)
    worker: Mapped[str] = mapped_column(String(200), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[float] = mapped_column(Double)


class Training(Table):
    """A training from request to verdict; at most one is running, and holds a lease."""

    __tablename__ = "trainings"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    request: Mapped[str] = mapped_column(Text)
    trigger: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[float] = mapped_column(Double)
    started_at: Mapped[float | None] = mapped_column(Double)
    finished_at: Mapped[float | None] = mapped_column(Double)
    holder: Mapped[str | None] = mapped_column(String(200))
    lease_until: Mapped[float | None] = mapped_column(Double)
    stage: Mapped[str] = mapped_column(String(32))
    done: Mapped[int] = mapped_column(Integer)
    total: Mapped[int] = mapped_column(Integer)
    detail: Mapped[str] = mapped_column(Text)
    version_id: Mapped[int | None] = mapped_column(ForeignKey("model_versions.id"))
    verdict: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        # The lock: of all trainings, at most one is in this state.
        Index(
            "uq_trainings_running",
            "state",
            unique=True,
            sqlite_where=text("state = 'running'"),
            postgresql_where=text("state = 'running'"),
        ),
    )


class Worker(Table):
    """A worker or a trainer that has been heard of: the parent process, as HOST:PID.

    One that ends well takes its row with it.
    """

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    version: Mapped[str] = mapped_column(String(64))
    device: Mapped[str | None] = mapped_column(String(200))
    decoders: Mapped[int | None] = mapped_column(Integer)
    model_version_id: Mapped[int | None] = mapped_column(BigInteger)
    draining: Mapped[bool] = mapped_column(Boolean, server_default=false())
    started_at: Mapped[float] = mapped_column(Double)
    seen_at: Mapped[float] = mapped_column(Double)


class Compatibility(Table):
    """The one row that tells the oldest revision whose programs may go on with this schema."""

    __tablename__ = "compatibility"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    oldest: Mapped[str] = mapped_column(String(32))


class PredictionRow(Table):
    """What a model version says of a face; versions add rows and never replace them."""

    __tablename__ = "predictions"

    face_id: Mapped[int] = mapped_column(ForeignKey("faces.id"), primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("model_versions.id"), primary_key=True)
    label: Mapped[str] = mapped_column(Text)
    confidence: Mapped[float] = mapped_column(Double)
    unknown: Mapped[bool] = mapped_column(Boolean)
    top: Mapped[str] = mapped_column(Text)


class Annotation(Table):
    """A person's word on a face: `is` a label, `is_not` a label, or `not_a_face`."""

    __tablename__ = "annotations"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    face_id: Mapped[int] = mapped_column(ForeignKey("faces.id"))
    kind: Mapped[str] = mapped_column(String(16))
    label: Mapped[str] = mapped_column(Text)
    author: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[float] = mapped_column(Double)

    __table_args__ = (UniqueConstraint("face_id", "kind", "label"),)
