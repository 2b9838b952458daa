"""Alerts in, faster: identifiers in line, each row's JSON made once."""

from __future__ import annotations

from migrations.support import run_sql

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Apply."""
    run_sql("0017_ingest_speed.up.sql")


def downgrade() -> None:
    """Take back."""
    run_sql("0017_ingest_speed.down.sql")
