"""Alerts in, faster again: digests in line, the entries of many incidents in one statement."""

from __future__ import annotations

from migrations.support import run_sql

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Apply."""
    run_sql("0018_ingest_rows.up.sql")


def downgrade() -> None:
    """Take back."""
    run_sql("0018_ingest_rows.down.sql")
