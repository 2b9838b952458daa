"""The append-only streams and how their partitions are made."""

from __future__ import annotations

from migrations.support import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply."""
    run_sql("0003_streams.up.sql")


def downgrade() -> None:
    """Take back, as the administrator: some functions belong to helper roles."""
    run_sql("0003_streams.down.sql", as_administrator=True)
