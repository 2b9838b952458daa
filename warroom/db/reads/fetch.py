"""What every read needs: one query with rows as dictionaries."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row

Connection = psycopg.AsyncConnection[Any]
Row = dict[str, Any]


async def fetch(conn: Connection, query: LiteralString, args: Row) -> list[Row]:
    """Run a query and return its rows by column name.

    Raises:
        psycopg.Error: the database refused or was lost.
    """
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, args)
        return await cursor.fetchall()
