"""What the revisions share: running one SQL file of ``migrations/sql``."""

from __future__ import annotations

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent / "sql"


def run_sql(name: str, *, as_administrator: bool = False) -> None:
    """Run every statement of ``migrations/sql/<name>`` in the migration's transaction.

    Args:
        name: file name.
        as_administrator: step out of ``warroom_owner`` for this file, for what only the
            connected administrator may do (handing a function to another owner).
    """
    driver = op.get_bind().connection.driver_connection
    if driver is None:
        raise RuntimeError("migrations need a live connection")
    # psycopg itself, without parameters: many statements at once, and % stays %.
    if as_administrator:
        driver.execute("reset role")
    driver.execute((SQL / name).read_text(encoding="utf-8"))
    if as_administrator:
        driver.execute("set local role warroom_owner")
