"""Indexes with which the ledger is as quick over millions of images as over a few."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_DUE, _DUE_COLUMNS = "ix_images_due", ["run_id", "job_id", "id"]


def upgrade() -> None:
    """Bring the database to this revision."""
    op.drop_index(op.f("ix_jobs_run_id_state"), "jobs")
    op.create_index(
        op.f("ix_jobs_state_run_id_finished_at"), "jobs", ["state", "run_id", "finished_at"]
    )
    # SQLite only takes a partial index for a query that has its condition to the letter.
    _replace_due("due = 1")


def downgrade() -> None:
    """Take the database back to the revision before."""
    _replace_due("due")
    op.drop_index(op.f("ix_jobs_state_run_id_finished_at"), "jobs")
    op.create_index(op.f("ix_jobs_run_id_state"), "jobs", ["run_id", "state"])


def _replace_due(condition: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.drop_index(_DUE, "images")
        op.create_index(_DUE, "images", _DUE_COLUMNS, sqlite_where=sa.text(condition))
