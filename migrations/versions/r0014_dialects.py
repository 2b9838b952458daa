"""What is where in the JSON of a source that has no dialect of its own."""

from __future__ import annotations

from migrations.support import run_sql

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Apply."""
    run_sql("0014_dialects.up.sql")


def downgrade() -> None:
    """Take back."""
    run_sql("0014_dialects.down.sql")
