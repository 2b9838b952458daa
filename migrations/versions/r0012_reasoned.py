"""Suspects, waves of restart and what else is reasoned, stored; the ticks on the waves."""

from __future__ import annotations

from migrations.support import run_sql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Apply."""
    run_sql("0012_before.up.sql", as_administrator=True)
    run_sql("0012_reasoned.up.sql")
    run_sql("0012_owners.up.sql", as_administrator=True)


def downgrade() -> None:
    """Take back, as the administrator: some functions belong to a helper role."""
    run_sql("0012_reasoned.down.sql", as_administrator=True)
