"""History, audit and what may not be changed."""

from __future__ import annotations

from migrations.support import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Apply."""
    run_sql("0004_record.up.sql")


def downgrade() -> None:
    """Take back, as the administrator: some functions belong to helper roles."""
    run_sql("0004_record.down.sql", as_administrator=True)
