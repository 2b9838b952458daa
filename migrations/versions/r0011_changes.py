"""Changes, what people say of them on incidents, freezes with exceptions, mitigation locks."""

from __future__ import annotations

from migrations.support import run_sql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Apply."""
    run_sql("0011_changes.up.sql")
    run_sql("0011_owners.up.sql", as_administrator=True)


def downgrade() -> None:
    """Take back, as the administrator: some functions belong to a helper role."""
    run_sql("0011_changes.down.sql", as_administrator=True)
