"""Administration: length and form of the texts of custom fields."""

from __future__ import annotations

from migrations.support import run_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Apply."""
    run_sql("0009_admin.up.sql")


def downgrade() -> None:
    """Take back."""
    run_sql("0009_admin.down.sql")
