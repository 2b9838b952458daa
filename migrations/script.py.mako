"""${message}."""

from __future__ import annotations

from migrations.support import run_sql

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Apply."""
    run_sql("${up_revision}_name.up.sql")


def downgrade() -> None:
    """Take back."""
    run_sql("${up_revision}_name.down.sql")
