"""Which server was reached, and that one left behind by a promotion is not believed."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from tests.db.conftest import Seeded
from tests.pgfixtures import TestDatabase
from warroom.db.listen import hints
from warroom.db.probe import Fence, Server, look
from warroom.domain.picture import SourceKind
from warroom.errors import DatabaseUnavailable


async def test_a_reader_learns_what_the_server_is(seeded: Seeded) -> None:
    async with await psycopg.AsyncConnection.connect(seeded.db.conninfo(), autocommit=True) as conn:
        with seeded.db.connect() as found:
            row = found.execute("select db_role::text from warroom.principal where name = 'ana'")
            role = row.fetchone()
        assert role is not None
        await conn.execute(f'set session authorization "{role[0]}"')
        server = await look(conn)
    assert server.kind is SourceKind.PRIMARY
    assert server.timeline >= 1
    assert server.version // 10000 == seeded.db.version


def test_an_older_timeline_is_refused() -> None:
    fence = Fence()
    fence.pass_through(Server(SourceKind.PRIMARY, 7, 180000))
    with pytest.raises(DatabaseUnavailable, match="timeline 6"):
        fence.pass_through(Server(SourceKind.PRIMARY, 6, 180000))
    fence.pass_through(Server(SourceKind.PRIMARY, 8, 180000))


async def test_hints_arrive(pg: TestDatabase) -> None:
    async with await psycopg.AsyncConnection.connect(pg.conninfo(), autocommit=True) as conn:
        stream = hints(conn)
        await anext(stream)  # listening has begun
        with pg.connect() as other:
            other.execute("select pg_notify('warroom', '')")
        await asyncio.wait_for(anext(stream), 20)
        await stream.aclose()
