"""Sources as objects, their rotated secrets and refusals; heartbeats; the fate of quarantine."""

from __future__ import annotations

from migrations.support import run_sql

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Apply."""
    run_sql("0015_sources.up.sql")


def downgrade() -> None:
    """Take back."""
    run_sql("0015_sources.down.sql")
