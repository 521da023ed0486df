"""Workers that announce themselves, figures of jobs, and who may go on with a newer schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_REFUSED = "outcome IN ('unreadable', 'quarantined')"


def upgrade() -> None:
    """Bring the database to this revision."""
    op.create_table(
        "workers",
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("device", sa.String(200)),
        sa.Column("decoders", sa.Integer()),
        sa.Column("model_version_id", sa.BigInteger()),
        sa.Column("draining", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workers")),
    )
    compatibility = op.create_table(
        "compatibility",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("oldest", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_compatibility")),
    )
    # Workers of 0004 go on: they know nothing of what is new, and need nothing of it.
    op.bulk_insert(compatibility, [{"id": 1, "oldest": "0004"}])
    op.add_column("jobs", sa.Column("figures", sa.Text()))
    op.add_column("jobs", sa.Column("needs", sa.Integer(), nullable=False, server_default="1"))
    op.create_index(
        "ix_images_refused",
        "images",
        ["outcome", "reason"],
        sqlite_where=sa.text(_REFUSED),
        postgresql_where=sa.text(_REFUSED),
    )


def downgrade() -> None:
    """Take the database back to the revision before."""
    op.drop_index("ix_images_refused", "images")
    op.drop_column("jobs", "needs")
    op.drop_column("jobs", "figures")
    op.drop_table("compatibility")
    op.drop_table("workers")
