"""Kept bodies that a process left behind are worked out by the next one, once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from tests.api.conftest import serving
from tests.api.test_doors import source
from tests.api.test_hardening import delivery
from tests.helpers import wait_until
from tests.pgfixtures import TestDatabase
from warroom.api import left_behind
from warroom.api.batcher import Batcher
from warroom.db.engine import Database
from warroom.domain.principal import CommandContext
from warroom.services import intake
from warroom.services.alerts import INGEST
from warroom.services.delivery import Delivery
from warroom.settings import Settings

OWN = CommandContext(INGEST, "test", "test")


async def keep_beside(pg: TestDatabase, make: Callable[[], list[Delivery]]) -> list[UUID]:
    url = f"postgresql://warroom_api@/{pg.name}?host={pg.server.cluster.socket_dir}"
    db = Database.open(url, role="api")
    try:
        return await intake.keep(db, OWN, make())
    finally:
        await db.close()


async def test_the_next_process_works_out_what_was_left_behind(pg: TestDatabase) -> None:
    async with serving(pg) as before:
        await source(before)
        row = before.pg.connect().execute("select id, principal_id from warroom.source").fetchone()
        assert row is not None
    body = b"no longer to be understood"

    def left() -> list[Delivery]:
        good = delivery((row[0], row[1]), "Left")
        bad = replace(good, body=body, alerts=())
        old = replace(good, dialect="of-yesterday")
        return [replace(d, read_at=datetime.now(UTC)) for d in (good, bad, old)]

    ids = await keep_beside(pg, left)
    await settled_by_the_next(pg)
    with pg.connect() as conn:
        found = conn.execute(
            "select id, state from warroom.delivery order by id",
        ).fetchall()
        names = conn.execute("select name, count from warroom.alert").fetchall()
    assert found == [(ids[0], "accepted"), (ids[1], "quarantined"), (ids[2], "quarantined")]
    assert names == [("Left", 1)]


async def settled_by_the_next(pg: TestDatabase) -> None:
    """Start an API, and wait until nothing is left behind."""
    url = f"postgresql://warroom_api@/{pg.name}?host={pg.server.cluster.socket_dir}"
    db = Database.open(url, role="api")
    made = Batcher(db, OWN, window=timedelta(minutes=10), queue_max=100, batch_max=10,
                   bytes_max=1 << 20)  # fmt: skip
    made.start()
    watching = asyncio.create_task(left_behind.watch(db, OWN, made, Settings(database_url=url)))

    def none() -> bool:
        with pg.connect() as conn:
            return conn.execute("select count(*) from warroom.intake").fetchone() == (0,)

    await wait_until(none, what="what was left behind")
    watching.cancel()
    await made.close()
    await db.close()
