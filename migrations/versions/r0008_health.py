"""The database's health: sampling functions, and war room's own source and service."""

from __future__ import annotations

from migrations.support import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Apply."""
    run_sql("0008_health.up.sql")
    run_sql("0008_owners.up.sql", as_administrator=True)


def downgrade() -> None:
    """Take back, as the administrator: the functions belong to a helper role."""
    run_sql("0008_health.down.sql", as_administrator=True)
