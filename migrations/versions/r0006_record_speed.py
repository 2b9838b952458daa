"""The record, faster, and ready for columns and tables that come later."""

from __future__ import annotations

from migrations.support import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Apply."""
    run_sql("0006_before.up.sql", as_administrator=True)
    run_sql("0006_record_speed.up.sql")
    run_sql("0006_owners.up.sql", as_administrator=True)


def downgrade() -> None:
    """Take back, as the administrator: some functions belong to a helper role."""
    run_sql("0006_record_speed.down.sql", as_administrator=True)
