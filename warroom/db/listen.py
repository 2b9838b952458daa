"""Hints: an empty NOTIFY after each commit says that there may be something new to read.

A hint may be lost and says nothing by itself; whoever listens polls as well.  LISTEN does not
work on a standby.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from typing import Any

import psycopg

CHANNEL = "warroom"


async def hints(conn: psycopg.AsyncConnection[Any]) -> AsyncGenerator[None, None]:
    """Yield once when listening has begun, and then for every hint, until the connection ends.

    Args:
        conn: an autocommit connection to the primary, used for nothing else.

    Raises:
        psycopg.Error: the connection was lost, or the server is a standby.
    """
    await conn.execute(f"listen {CHANNEL}")
    # What happened between the last read and LISTEN would otherwise wait for the next poll.
    yield
    # Closed with us: a generator left open would keep the connection's lock for ever.
    async with contextlib.aclosing(conn.notifies()) as arriving:
        async for _ in arriving:
            yield
