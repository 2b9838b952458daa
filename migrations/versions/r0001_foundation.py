"""Schemas, identifiers, the directory, and whose eyes a session has."""

from __future__ import annotations

from migrations.support import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply."""
    run_sql("0001_foundation.up.sql")


def downgrade() -> None:
    """Take back, as the administrator: some functions belong to helper roles."""
    run_sql("0001_foundation.down.sql", as_administrator=True)
