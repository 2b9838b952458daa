"""Silences: which alerts open no incident for a while."""

from __future__ import annotations

from migrations.support import run_sql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Apply."""
    run_sql("0013_silences.up.sql")
    run_sql("0013_owners.up.sql", as_administrator=True)


def downgrade() -> None:
    """Take back, as the administrator: some functions belong to a helper role."""
    run_sql("0013_silences.down.sql", as_administrator=True)
