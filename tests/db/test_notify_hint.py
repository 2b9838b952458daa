"""The hint after a commit: sent, empty, coalesced, and never inside the data's transaction."""

from __future__ import annotations

import asyncio

import psycopg

from tests.helpers import wait_until
from tests.pgfixtures import TestDatabase
from warroom.db.engine import Database
from warroom.db.notify_hint import CHANNEL, EVERY_S
from warroom.db.uow import Answer, Work, run_command
from warroom.domain.principal import (
    INGEST_PRINCIPAL,
    CommandContext,
    Principal,
    PrincipalKind,
    Scope,
)

WHO = Principal(INGEST_PRINCIPAL, "ingest", PrincipalKind.AUTOMATION, frozenset({Scope.ADMIN}))


async def test_a_burst_of_commits_is_few_empty_hints(pg: TestDatabase) -> None:
    api = Database.open(
        f"postgresql://warroom_api@/{pg.name}?host={pg.server.cluster.socket_dir}", role="api"
    )
    heard: list[str] = []

    async def handler(work: Work) -> Answer:
        await work.execute(
            "insert into warroom.incident (title, severity, opened_by) values ('x', 1, :by)",
            {"by": INGEST_PRINCIPAL},
        )
        return Answer(200, {})

    async with await psycopg.AsyncConnection.connect(pg.conninfo(), autocommit=True) as listening:
        await listening.execute(f"listen {CHANNEL}")

        async def listen() -> None:
            while True:
                heard.extend([note.payload async for note in listening.notifies(stop_after=1)])

        ears = asyncio.create_task(listen())
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for _ in range(30):
            await run_command(api, CommandContext(WHO, "t", "t", None), "test", {}, handler)
        await wait_until(lambda: heard, what="the first hint")
        lasted = loop.time() - begun
        await api.close()
        ears.cancel()
        await asyncio.gather(ears, return_exceptions=True)
    assert set(heard) == {""}
    # A count against the time that the burst really took, however slow the machine is.
    assert len(heard) <= lasted / EVERY_S + 2
