"""Lends connections of the pool: one whose use failed or was late is never lent again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator

from psycopg.pq import TransactionStatus
from sqlalchemy.ext.asyncio import AsyncConnection

from warroom.db.deadline import cut, within
from warroom.db.engine import Database, driver_fd, driver_of
from warroom.db.failures import connection_lost, connection_survives

GIVE_BACK_S = 1.0
"""How long the server may take to end what a failed use has left open."""


class Socket:
    """A descriptor of ours for a lent connection's socket; it knows whether the socket was cut.

    The driver may close its own when the connection is lost, and the number then soon belongs to
    somebody else's request.
    """

    def __init__(self, conn: AsyncConnection) -> None:
        own = driver_fd(conn)
        self._fd = None if own is None else os.dup(own)
        self.was_cut = False

    def to_cut(self) -> int | None:
        """Return the descriptor to whoever cuts it now; None without one."""
        self.was_cut = True
        return self._fd

    def close(self) -> None:
        """Close the descriptor; what it leads to stays as it is."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


@contextlib.asynccontextmanager
async def lend(db: Database, ends_at: float) -> AsyncIterator[tuple[AsyncConnection, Socket]]:
    """Lend a connection with its socket.

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
        socket = Socket(conn)
    except BaseException:
        with contextlib.suppress(Exception):
            await conn.close()
        raise
    sound = False
    try:
        yield conn, socket
        sound = True
    except BaseException as error:
        sound = connection_survives(error)
        if connection_lost(error) and age == db.age:
            # What ended one has most often ended all: each would be somebody's failure.
            await db.forget_connections()
        raise
    finally:
        try:
            await _give_back(conn, socket, sound and age == db.age and time.monotonic() < ends_at)
        finally:
            socket.close()


async def _give_back(conn: AsyncConnection, socket: Socket, sound: bool) -> None:
    """Give a connection back to the pool, or throw it away.

    An answer that came in the very moment of the cut is an answer, on a socket that is shut: from
    the pool it would be the next one's failure.
    """
    if sound:
        with contextlib.suppress(Exception):
            driver = driver_of(conn)
            if driver.info.transaction_status != TransactionStatus.IDLE:
                # A rollback on a connection that is dead without our knowing must not hang either.
                await within(
                    driver.rollback(), GIVE_BACK_S, socket.to_cut, "giving a connection back"
                )
    if sound and not socket.was_cut:
        with contextlib.suppress(Exception):
            await conn.close()  # nothing is left that the server would have to be asked for
        return
    cut(socket.to_cut())
    with contextlib.suppress(Exception):
        await asyncio.wait_for(conn.invalidate(), GIVE_BACK_S)
    with contextlib.suppress(Exception):
        await asyncio.wait_for(conn.close(), GIVE_BACK_S)
