"""Trainings, refusals, rollbacks, runs that relabel; no face that a person named is unknown."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_VIEW = """
CREATE VIEW unrecognized AS
SELECT images.id AS image_id, NULL AS face_id, images.outcome AS kind, images.reason, images.detail
FROM images
WHERE images.outcome IN ('no_face', 'unreadable', 'quarantined')
UNION ALL
SELECT images.id, faces.id, 'unknown_face', 'below_threshold', predictions.label
FROM images
JOIN faces ON faces.detection_id = images.detection_id
JOIN predictions ON predictions.face_id = faces.id
WHERE predictions.unknown AND predictions.version_id = (
    SELECT version_id FROM activations ORDER BY id DESC LIMIT 1
)
"""

# A label that people denied leaves a face unknown; one that they gave does not.
_BY_MODEL = "WHERE predictions.unknown AND"
_BY_PEOPLE_TOO = """
WHERE NOT EXISTS (
    SELECT 1 FROM annotations
    WHERE annotations.face_id = faces.id AND annotations.kind IN ('is', 'not_a_face')
) AND (predictions.unknown OR EXISTS (
    SELECT 1 FROM annotations
    WHERE annotations.face_id = faces.id
    AND annotations.kind = 'is_not' AND annotations.label = predictions.label
)) AND
"""


def upgrade() -> None:
    """Bring the database to this revision."""
    op.execute("DROP VIEW unrecognized")
    with op.batch_alter_table("runs") as batch:
        batch.add_column(
            sa.Column("kind", sa.String(length=16), nullable=False, server_default="label")
        )
        batch.add_column(sa.Column("version_id", _ID, nullable=True))
        batch.add_column(sa.Column("cursor", sa.BigInteger(), nullable=False, server_default="0"))
        batch.alter_column("archive_id", existing_type=_ID, nullable=True)
        batch.alter_column("chain_id", existing_type=sa.String(length=200), nullable=True)
        batch.create_foreign_key(
            op.f("fk_runs_version_id"), "model_versions", ["version_id"], ["id"]
        )
    with op.batch_alter_table("jobs") as batch:
        batch.add_column(sa.Column("first_face", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("last_face", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("activations") as batch:
        batch.add_column(
            sa.Column("rollback", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    _create_tables()
    op.execute(_VIEW.replace(_BY_MODEL, _BY_PEOPLE_TOO))


def downgrade() -> None:
    """Take the database back to the revision before."""
    op.execute("DROP VIEW unrecognized")
    op.drop_index("uq_trainings_running", table_name="trainings")
    op.drop_table("trainings")
    op.drop_table("refusals")
    with op.batch_alter_table("activations") as batch:
        batch.drop_column("rollback")
    op.execute("DELETE FROM jobs WHERE first_face IS NOT NULL")
    op.execute("DELETE FROM runs WHERE kind <> 'label'")
    with op.batch_alter_table("jobs") as batch:
        batch.drop_column("last_face")
        batch.drop_column("first_face")
    with op.batch_alter_table("runs") as batch:
        batch.drop_constraint(op.f("fk_runs_version_id"), type_="foreignkey")
        batch.alter_column("chain_id", existing_type=sa.String(length=200), nullable=False)
        batch.alter_column("archive_id", existing_type=_ID, nullable=False)
        batch.drop_column("cursor")
        batch.drop_column("version_id")
        batch.drop_column("kind")
    op.execute(_VIEW)


def _create_tables() -> None:
    op.create_table(
        "refusals",
        sa.Column("version_id", _ID, nullable=False),
        sa.Column("worker", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["model_versions.id"], name=op.f("fk_refusals_version_id")
        ),
        sa.PrimaryKeyConstraint("version_id", "worker", name=op.f("pk_refusals")),
    )
    op.create_table(
        "trainings",
        sa.Column("id", _ID, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("trigger", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=True),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.Column("holder", sa.String(length=200), nullable=True),
        sa.Column("lease_until", sa.Double(), nullable=True),
        sa.Column("stage", sa.String(length=32), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("version_id", _ID, nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["version_id"], ["model_versions.id"], name=op.f("fk_trainings_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trainings")),
    )
    op.create_index(
        "uq_trainings_running",
        "trainings",
        ["state"],
        unique=True,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )
