"""Incidents and what belongs to them, alerts, timers, working tables."""

from __future__ import annotations

from migrations.support import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply."""
    run_sql("0002_incidents.up.sql")


def downgrade() -> None:
    """Take back, as the administrator: some functions belong to helper roles."""
    run_sql("0002_incidents.down.sql", as_administrator=True)
