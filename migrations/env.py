"""How a migration runs: one transaction, an advisory lock, short lock and statement timeouts.

The connection is handed in by :mod:`warroom.db.migrate`; nothing is read from an ini file.  The
revisions work as ``warroom_owner`` (``SET ROLE``), so that everything they make is owned by it.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import text

MIGRATION_LOCK = 7741000

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    version_table="alembic_version",
    version_table_schema="warroom",
    transaction_per_migration=False,
)
with context.begin_transaction():
    connection.execute(text("set local lock_timeout = '4s'"))
    connection.execute(text("set local statement_timeout = '60s'"))
    connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
    connection.execute(text("set local role warroom_owner"))
    context.run_migrations()
