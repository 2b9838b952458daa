"""Lends connections of the pool: one whose use failed or was late is never lent again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncConnection

from warroom.db.deadline import cut, within
from warroom.db.engine import Database, driver_fd
from warroom.db.failures import connection_survives


@contextlib.asynccontextmanager
async def lend(db: Database, ends_at: float) -> AsyncIterator[tuple[AsyncConnection, int]]:
    """Lend a connection with its file descriptor (-1 without one).

    Args:
        db: whose pool.
        ends_at: when its use must have ended (``time.monotonic()``); a connection that comes back
            later is thrown away, and so is one from before ``Database.forget_connections``.

    Raises:
        DeadlineExceeded: there was none in time.
    """
    conn = db.engine.connect()
    age = db.age
    left = min(db.connect_deadline_s, ends_at - time.monotonic())
    try:
        await within(conn.start(), left, lambda: None, "connecting")
        own = driver_fd(conn)
        # A descriptor of ours for the same socket: the driver may close its own when the connection
        # is lost, and the number then soon belongs to somebody else's request.
        fd = os.dup(own) if own is not None else None
    except BaseException:
        with contextlib.suppress(Exception):
            await conn.close()
        raise
    try:
        yield conn, fd if fd is not None else -1
    except BaseException as error:
        if age != db.age or not connection_survives(error):
            await _throw_away(conn, fd)
        raise
    else:
        # An answer that came in the very moment of the cut is an answer, on a socket that is shut.
        # What was lent before the pool was forgotten would stay open in a pool that nobody has.
        if time.monotonic() >= ends_at or age != db.age:
            await _throw_away(conn, fd)
    finally:
        try:
            with contextlib.suppress(Exception):
                # A rollback on a connection that was cut must not hang either.
                await within(conn.close(), 1.0, lambda: fd, "giving a connection back")
        finally:
            if fd is not None:
                os.close(fd)


async def _throw_away(conn: AsyncConnection, fd: int | None) -> None:
    cut(fd)
    with contextlib.suppress(Exception):
        await asyncio.wait_for(conn.invalidate(), 1.0)
