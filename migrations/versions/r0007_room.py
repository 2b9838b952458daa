"""Hand-overs, links, hypotheses, evidence, pins, relations, the stored impact."""

from __future__ import annotations

from migrations.support import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Apply."""
    run_sql("0007_before.up.sql", as_administrator=True)
    run_sql("0007_room.up.sql")
    run_sql("0007_owners.up.sql", as_administrator=True)


def downgrade() -> None:
    """Take back, as the administrator: some functions belong to a helper role."""
    run_sql("0007_room.down.sql", as_administrator=True)
