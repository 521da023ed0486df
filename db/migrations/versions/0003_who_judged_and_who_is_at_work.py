"""Which decoder judged a content, and which producer is at work on a run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database to this revision.

    Both columns may be empty, so that workers which started before the upgrade go on.
    """
    op.add_column("detections", sa.Column("decoder", sa.Text(), nullable=True))
    op.add_column("runs", sa.Column("holder", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take the database back to the revision before."""
    op.drop_column("runs", "holder")
    op.drop_column("detections", "decoder")
