"""What happens to an alert: rules, priority, flapping, deferred decisions, triage, alert types."""

from __future__ import annotations

from migrations.support import run_sql

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Apply."""
    run_sql("0016_rules.up.sql")


def downgrade() -> None:
    """Take back."""
    run_sql("0016_rules.down.sql")
