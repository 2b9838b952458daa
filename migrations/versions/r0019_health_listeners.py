"""Replication health: a connection that listens is no long transaction."""

from __future__ import annotations

from migrations.support import run_sql

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Apply, as the administrator: the function belongs to a helper role."""
    run_sql("0019_health_listeners.up.sql", as_administrator=True)


def downgrade() -> None:
    """Take back."""
    run_sql("0019_health_listeners.down.sql", as_administrator=True)
