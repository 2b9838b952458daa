"""What the pool lends again: never a connection that was cut, was too late, or led to a standby."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import psutil
import psycopg
import pytest
import pytest_asyncio

from tests.helpers import wait_until
from tests.pgfixtures import TestDatabase
from warroom.db.deadline import DeadlineExceeded
from warroom.db.engine import Database
from warroom.db.uow import Answer, Work, read, run_command
from warroom.domain.principal import (
    INGEST_PRINCIPAL,
    CommandContext,
    Principal,
    PrincipalKind,
    Scope,
)
from warroom.errors import DatabaseReadOnly, OutcomeUnknown

WHO = Principal(INGEST_PRINCIPAL, "ingest", PrincipalKind.AUTOMATION, frozenset({Scope.ADMIN}))
CTX = CommandContext(WHO, "test", "test")
DEADLINE_S = 0.5
LOCK = 4711
MANY = 4


def database(pg: TestDatabase, size: int) -> Database:
    url = f"postgresql://warroom_api@/{pg.name}?host={pg.server.cluster.socket_dir}"
    return Database.open(
        url, role="api", pool_size=size, statement_timeout_ms=60_000, lock_timeout_ms=60_000
    )


@pytest_asyncio.fixture
async def one(pg: TestDatabase) -> AsyncIterator[Database]:
    """A pool of one connection: whoever comes next gets just that, or a new one."""
    made = database(pg, 1)
    yield made
    await made.close()


async def backend(work: Work) -> int:
    return int(await work.scalar("select pg_backend_pid()"))


async def next_users(db: Database) -> set[int]:
    """Read and write a few times; return the backends that served."""

    async def writes(work: Work) -> Answer:
        await work.execute(
            "insert into warroom.team (key, name) values ('t' || gen_random_uuid(), 'next')"
        )
        return Answer(200, {"pid": await backend(work)})

    found: set[int] = set()
    for _ in range(3):
        found.add(await read(db, CTX, backend))
        found.add((await run_command(db, CTX, "test", {}, writes)).body["pid"])
    return found


async def test_the_pool_does_lend_a_sound_connection_again(one: Database) -> None:
    """Without this the other tests would prove nothing."""
    assert len(await next_users(one)) == 1


def sleeps(_pid: int) -> None:
    """The server is asked for something that lasts."""


def freezes(pid: int) -> None:
    """The backend stands still and does not even hear a cancel."""
    psutil.Process(pid).send_signal(signal.SIGSTOP)


@pytest.mark.parametrize("trouble", [sleeps, freezes])
@pytest.mark.parametrize("writing", [False, True], ids=["read", "command"])
async def test_a_connection_past_its_deadline_is_never_lent_again(
    pg: TestDatabase, one: Database, trouble: Callable[[int], None], writing: bool
) -> None:
    await next_users(one)
    late: list[int] = []

    async def ask(work: Work) -> Answer:
        late.append(await backend(work))
        trouble(late[0])
        await work.scalar("select pg_sleep(60)")
        return Answer(200, {})

    try:
        asking = (
            run_command(one, CTX, "test", {}, ask, deadline_s=DEADLINE_S)
            if writing
            else read(one, CTX, ask, deadline_s=DEADLINE_S)
        )
        with pytest.raises(DeadlineExceeded):
            await asking
        # The late one is still there, and sound to look at: it is our side that must not use it.
        assert psutil.pid_exists(late[0])
        assert not await next_users(one) & set(late)
    finally:
        for pid in late:
            psutil.Process(pid).send_signal(signal.SIGCONT)
        with pg.connect() as conn:
            conn.execute("select pg_terminate_backend(pid) from unnest(%s::int[]) pid", (late,))


def stand_in_commit(conn: psycopg.Connection) -> None:
    """Hold whoever commits a new incident, inside its COMMIT."""
    conn.execute(
        "create function public.stand_still() returns trigger language plpgsql as $$ begin"
        f" perform pg_advisory_xact_lock_shared({LOCK}); return null; end $$"
    )
    conn.execute(
        "create constraint trigger stand after insert on warroom.team deferrable"
        " initially deferred for each row when (new.name = 'slow')"
        " execute function public.stand_still()"
    )
    conn.execute("select pg_advisory_lock(%s)", (LOCK,))


def activity(conn: psycopg.Connection, pid: int) -> tuple[Any, ...] | None:
    return conn.execute(
        "select state, wait_event from pg_stat_activity where pid = %s", (pid,)
    ).fetchone()


async def meet(conn: psycopg.Connection, pid: int, ends_at: float, state: str) -> None:
    """Let the server's answer arrive between the deadline's end and the cut that follows it."""
    # Our own loop stands still until the time is over ...
    while time.monotonic() <= ends_at + 0.1:
        pass
    # ... so that in its next turn we are ahead of the deadline's timer, and the cut behind us;
    # the answer is found in the turn after that, on a socket that has been shut.
    await asyncio.sleep(0)
    conn.execute("select pg_advisory_unlock(%s)", (LOCK,))
    while activity(conn, pid) != (state, "ClientRead"):
        pass


async def test_an_answer_in_the_moment_of_the_cut_gives_nobody_a_shut_connection(
    pg: TestDatabase, one: Database
) -> None:
    """COMMIT's answer lies in the socket when the deadline cuts it: it counts, the socket not."""
    await next_users(one)
    pids: list[int] = []
    ends: list[float] = []

    async def slow(work: Work) -> Answer:
        pids.append(await backend(work))
        await work.execute("insert into warroom.team (key, name) values ('slow', 'slow')")
        ends.append(time.monotonic() + work.left())
        return Answer(201, {"said": "yes"})

    with pg.connect() as conn:
        stand_in_commit(conn)
        asking = asyncio.create_task(
            run_command(one, CTX, "test", {}, slow, deadline_s=10 * DEADLINE_S)
        )
        await wait_until(
            lambda: bool(pids) and activity(conn, pids[0]) == ("active", "advisory"),
            what="the commit under way",
        )
        await meet(conn, pids[0], ends[0], "idle")
        assert await asking == Answer(201, {"said": "yes"})
    assert not await next_users(one) & set(pids)


async def test_an_answer_that_came_too_late_to_go_on_with_is_no_answer(
    pg: TestDatabase, one: Database
) -> None:
    """The same before COMMIT: there is no time left to commit in, and nothing was changed."""
    await next_users(one)
    pids: list[int] = []
    ends: list[float] = []

    async def slow(work: Work) -> Answer:
        pids.append(await backend(work))
        await work.execute("insert into warroom.team (key, name) values ('slow', 'slow')")
        ends.append(time.monotonic() + work.left())
        await work.scalar(f"select 1 from pg_advisory_xact_lock_shared({LOCK})")
        return Answer(201, {})

    with pg.connect() as conn:
        conn.execute("select pg_advisory_lock(%s)", (LOCK,))
        asking = asyncio.create_task(
            run_command(one, CTX, "test", {}, slow, deadline_s=10 * DEADLINE_S)
        )
        await wait_until(
            lambda: bool(pids) and activity(conn, pids[0]) == ("active", "advisory"),
            what="the question under way",
        )
        await meet(conn, pids[0], ends[0], "idle in transaction")
        with pytest.raises((DeadlineExceeded, OutcomeUnknown)):
            await asking
        assert not await next_users(one) & set(pids)
        await wait_until(lambda: activity(conn, pids[0]) is None, what="the end of its session")
        row = conn.execute("select count(*) from warroom.team where key = 'slow'").fetchone()
        assert row == (0,)


async def together(db: Database, count: int) -> set[int]:
    """Use so many connections at the same time; return their backends."""
    here = asyncio.Barrier(count)

    async def ask(work: Work) -> int:
        pid = await backend(work)
        await here.wait()
        return pid

    return set(await asyncio.gather(*(read(db, CTX, ask) for _ in range(count))))


async def test_read_only_replaces_every_pooled_connection(pg: TestDatabase) -> None:
    """SQLSTATE 25006 on one of them says that all lead to a server that is no primary any more."""
    db = database(pg, MANY)
    turn = f"alter database {pg.name} set default_transaction_read_only = on"
    back = f"alter database {pg.name} reset default_transaction_read_only"
    in_use, go_on = asyncio.Event(), asyncio.Event()

    async def hold(work: Work) -> int:
        pid = await backend(work)
        in_use.set()
        await go_on.wait()
        return pid

    async def write(work: Work) -> Answer:
        await work.execute("insert into warroom.team (key, name) values ('t', 't')")
        return Answer(201, {"pid": await backend(work)})

    with pg.connect() as conn:
        conn.execute("set default_transaction_read_only = off")
        conn.execute(turn)  # for the sessions that begin from now on
        old = await together(db, MANY)
        assert len(old) == MANY
        assert await together(db, MANY) == old, "they are lent again"
        conn.execute(back)
        holding = asyncio.create_task(read(db, CTX, hold, deadline_s=30))
        await in_use.wait()
        with pytest.raises(DatabaseReadOnly):
            await run_command(db, CTX, "test", {}, write)
        # One refusal is enough for all of them: the next write finds the primary at once.
        assert (await run_command(db, CTX, "test", {}, write)).body["pid"] not in old
        assert not await together(db, MANY - 1) & old
        # One was in use meanwhile: its user is served to the end, and it goes then.
        go_on.set()
        assert await holding in old
        assert not await together(db, MANY) & old
        left = "select count(*) from pg_stat_activity where pid = any(%s)"
        await wait_until(
            lambda: conn.execute(left, (list(old),)).fetchone() == (0,),
            what="the old sessions to end",
        )
    await db.close()
