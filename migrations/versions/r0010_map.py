"""The map: failure domains, third parties, time to live, observed edges, imports, proposals."""

from __future__ import annotations

from migrations.support import run_sql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Apply."""
    run_sql("0010_before.up.sql", as_administrator=True)
    run_sql("0010_map.up.sql")
    run_sql("0010_owners.up.sql", as_administrator=True)


def downgrade() -> None:
    """Take back, as the administrator: some functions belong to a helper role."""
    run_sql("0010_map.down.sql", as_administrator=True)
