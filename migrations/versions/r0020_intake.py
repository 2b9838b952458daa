"""Bodies that are taken and whose alerts wait for their turn."""

from __future__ import annotations

from migrations.support import run_sql

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Apply."""
    run_sql("0020_intake.up.sql")


def downgrade() -> None:
    """Take back.

    Raises:
        sqlalchemy.exc.DBAPIError: bodies wait still; let the API work them out first.
    """
    run_sql("0020_intake.down.sql")
