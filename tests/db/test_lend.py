"""A connection that is given back in pieces harms nobody who has taken its place."""

from __future__ import annotations

import socket
import time

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.pgfixtures import TestDatabase
from warroom.db.engine import Database, driver_fd
from warroom.db.lend import lend


async def test_a_lost_connections_number_is_not_cut_under_its_next_owner(
    pg18: TestDatabase,
) -> None:
    """The driver closes what the server has ended; its number is free, and soon somebody else's."""
    url = f"postgresql://warroom_api@/{pg18.name}?host={pg18.server.cluster.socket_dir}"
    db = Database.open(url, role="api", pool_size=1)
    pairs: list[tuple[socket.socket, socket.socket]] = []

    async def lose() -> None:
        async with lend(db, time.monotonic() + 60) as (conn, _):
            number = driver_fd(conn)
            pid = (await conn.execute(text("select pg_backend_pid()"))).scalar()
            with pg18.connect() as other:
                other.execute("select pg_terminate_backend(%s, 10000)", (pid,))
            try:
                await conn.execute(text("select 1"))
            finally:
                while number not in {one.fileno() for one, _ in pairs}:
                    one, peer = socket.socketpair()
                    pairs.append((one, peer) if peer.fileno() != number else (peer, one))
                    assert len(pairs) < 100, "the number was not free"

    try:
        with pytest.raises(DBAPIError):
            await lose()
        for one, peer in pairs:
            peer.sendall(b"x")
            assert one.recv(1) == b"x"
    finally:
        for pair in pairs:
            for each in pair:
                each.close()
        await db.engine.dispose()
