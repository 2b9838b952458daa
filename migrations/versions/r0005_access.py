"""Row-level security, grants, masked views, definer functions."""

from __future__ import annotations

from migrations.support import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply."""
    run_sql("0005_access.up.sql")
    run_sql("0005_owners.up.sql", as_administrator=True)


def downgrade() -> None:
    """Take back, as the administrator: some functions belong to helper roles."""
    run_sql("0005_access.down.sql", as_administrator=True)
