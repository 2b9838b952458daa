"""A connection that is given back in pieces harms nobody who has taken its place."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.helpers import wait_until
from tests.pgfixtures import TestDatabase
from warroom.db import lend as lending
from warroom.db import notify_hint
from warroom.db.engine import Database, driver_fd
from warroom.db.lend import lend
from warroom.db.uow import Answer, read, run_command
from warroom.db.work import Work
from warroom.domain.principal import (
    INGEST_PRINCIPAL,
    CommandContext,
    Principal,
    PrincipalKind,
    Scope,
)
from warroom.errors import DatabaseUnavailable, InvalidInput

CTX = CommandContext(
    Principal(INGEST_PRINCIPAL, "ingest", PrincipalKind.AUTOMATION, frozenset({Scope.ADMIN})),
    "test",
    "test",
)


@pytest_asyncio.fixture
async def one(pg18: TestDatabase) -> AsyncIterator[Database]:
    """A pool of one connection: whoever comes next gets just that, or a new one."""
    url = f"postgresql://warroom_api@/{pg18.name}?host={pg18.server.cluster.socket_dir}"
    made = Database.open(url, role="api", pool_size=1)
    yield made
    await made.close()


async def held_up() -> None:
    """Hold the loop up for longer than a deadline; whoever waits for us hears of the deadline."""
    time.sleep(0.06)
    for _ in range(3):
        await asyncio.sleep(0)


async def sees(db: Database) -> int:
    async def ask(work: Work) -> int:
        return int(await work.scalar("select 1"))

    return await read(db, CTX, ask)


async def test_a_hint_that_we_held_up_ourselves_leaves_a_sound_connection(
    one: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer comes in the moment of the cut: an answer, on a socket that is shut."""
    sent = notify_hint._hint

    async def late(driver: psycopg.AsyncConnection[Any]) -> None:
        await sent(driver)
        await held_up()

    monkeypatch.setattr(notify_hint, "DEADLINE_S", 0.03)
    assert await sees(one) == 1
    with monkeypatch.context() as at_first:
        at_first.setattr(notify_hint, "_hint", late)
        one.hints.wanted()
        await wait_until(lambda: one.hints.idle, what="the hint to be sent or lost")
    assert await sees(one) == 1


async def test_what_is_given_back_while_we_are_held_up_is_sound(
    one: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollback = psycopg.AsyncConnection.rollback

    async def late(driver: psycopg.AsyncConnection[Any]) -> None:
        await rollback(driver)
        await held_up()

    async def refuse(work: Work) -> None:
        await work.scalar("select 1")
        raise InvalidInput("no")

    monkeypatch.setattr(lending, "GIVE_BACK_S", 0.03)
    with monkeypatch.context() as at_first:
        at_first.setattr(psycopg.AsyncConnection, "rollback", late)
        with pytest.raises(InvalidInput):
            await read(one, CTX, refuse)
    assert await sees(one) == 1


async def begin_anew(pg: TestDatabase, db: Database, many: int) -> None:
    """Let the pool hold so many connections, and the server end them all, as a restart does."""

    async def hold(work: Work) -> None:
        await work.scalar("select pg_sleep(0.2)")

    await asyncio.gather(*(read(db, CTX, hold) for _ in range(many)))
    with pg.connect() as other:
        ended = other.execute(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
            " where usename = 'warroom_api' and datname = current_database()"
        ).fetchall()
    assert len(ended) == many


async def test_after_a_restart_nobody_is_told_of_connections_that_it_ended(
    pg18: TestDatabase,
) -> None:
    url = f"postgresql://warroom_api@/{pg18.name}?host={pg18.server.cluster.socket_dir}"
    db = Database.open(url, role="api", pool_size=4)

    async def team(work: Work) -> Answer:
        await work.execute("insert into warroom.team (key, name) values ('new', 'new')")
        return Answer(200, {})

    try:
        await begin_anew(pg18, db, 4)
        assert [await sees(db) for _ in range(4)] == [1, 1, 1, 1]
        await begin_anew(pg18, db, 4)
        assert await asyncio.gather(*(sees(db) for _ in range(8))) == [1] * 8
        await begin_anew(pg18, db, 4)
        assert (await run_command(db, CTX, "test", {}, team)).status == 200
    finally:
        await db.close()


async def test_what_was_begun_on_a_lost_connection_is_not_begun_again(one: Database) -> None:
    """A handler that has heard anything may have acted on it."""
    runs: list[int] = []

    async def twice(work: Work) -> None:
        runs.append(await work.scalar("select pg_backend_pid()"))
        await work.scalar("select pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(DatabaseUnavailable):
        await read(one, CTX, twice)
    assert len(runs) == 1
    assert await sees(one) == 1


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
