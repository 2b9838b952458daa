"""Two lanes: a storm from ordinary sources neither holds up nor refuses a critical one."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from uuid import UUID

import httpx
import pytest

from tests.api.conftest import Api
from tests.api.test_batcher_shutdown import LOCK, Bench, bench, empty
from tests.api.test_doors import alert, source, webhook
from tests.api.test_hardening import delivery
from tests.helpers import wait_until
from warroom.api.batcher import Batcher
from warroom.domain.principal import CommandContext
from warroom.domain.source import Lane
from warroom.errors import Overloaded
from warroom.services.alert_turn import Turn
from warroom.services.alerts import INGEST
from warroom.services.delivery import DeliveryResult

__all__ = ["bench"]


async def second(bench: Bench) -> tuple[UUID, UUID]:
    """Make the critical source."""
    await bench.api.client().add("sources", {"key": "urgent", "lane": "critical"})
    row = bench.conn.execute(
        "select id, principal_id from warroom.source where key = 'urgent'"
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def batcher(bench: Bench, critical: UUID) -> Batcher:
    return Batcher(
        bench.db, CommandContext(INGEST, "test", "test"), window=timedelta(minutes=10),
        queue_max=4, batch_max=1, bytes_max=1 << 20, wait_s=60.0,
        lane_of=lambda s: Lane.CRITICAL if s == critical else Lane.ORDINARY,
    )  # fmt: skip


async def test_a_critical_delivery_overtakes_a_full_ordinary_lane(bench: Bench) -> None:
    critical = await second(bench)
    made = batcher(bench, critical[0])
    bench.hold(in_commit=False)
    await bench.send(made, ["Slow", "B", "C", "D"])
    made.start()
    await bench.held()
    with pytest.raises(Overloaded):
        await made.put(delivery(bench.origin, "E"))
    with pytest.raises(Overloaded):  # from now on without reading what is sent
        made.check_room(bench.origin[0])
    made.check_room(critical[0])
    # The ordinary lane is full and stands still; this one is stored all the same.
    stored = await made.put(delivery(critical, "Urgent"))
    assert stored.new == 1
    assert bench.stored() == ["Urgent"]
    assert (made.waiting_in(Lane.ORDINARY), made.waiting_in(Lane.CRITICAL)) == (4, 0)
    bench.conn.execute("select pg_advisory_unlock(%s)", (LOCK,))
    assert all(isinstance(answer, DeliveryResult) for answer in await bench.answers())
    made.check_room(bench.origin[0])
    await made.close()
    assert empty(made)


async def test_the_critical_lane_is_bounded_as_well(bench: Bench) -> None:
    critical = await second(bench)
    made = batcher(bench, critical[0])  # not started: everything waits
    first = asyncio.ensure_future(made.put(delivery(critical, "A")))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await made.put(delivery(critical, "B"))
    await made.close()
    with pytest.raises(Overloaded):
        await first
    assert empty(made)


async def test_whoever_waits_for_too_long_is_told_and_not_stored(bench: Bench) -> None:
    critical = await second(bench)
    made = batcher(bench, critical[0])
    bench.hold(in_commit=False)
    made.start()
    await bench.send(made, ["Slow"])
    await bench.held()  # its transaction has begun: it is waited for
    made.wait_s = 0.0
    await bench.send(made, ["Late"])
    await wait_until(bench.sent[1].done, what="the one that waits to be told")
    with pytest.raises(Overloaded, match="turn did not come"):
        await bench.sent[1]
    bench.conn.execute("select pg_advisory_unlock(%s)", (LOCK,))
    assert isinstance(await bench.sent[0], DeliveryResult)
    await made.close()
    assert bench.stored() == ["Slow"]
    assert empty(made)


async def test_one_part_of_a_file_goes_between_two_batches(bench: Bench) -> None:
    """However many files are loaded, they and the ordinary lane take turns."""
    made = bench.batcher()
    bench.hold(in_commit=False)
    made.start()
    await bench.send(made, ["Slow"])
    await bench.held()
    found: list[tuple[str, int]] = []

    async def part(name: str, _turn: Turn) -> None:
        found.append((name, made.waiting))

    first, other = (asyncio.ensure_future(made.between(partial(part, n))) for n in "ab")
    await asyncio.sleep(0)
    await bench.send(made, ["B"])
    assert found == []  # a batch is being stored
    bench.conn.execute("select pg_advisory_unlock(%s)", (LOCK,))
    assert all(isinstance(answer, DeliveryResult) for answer in await bench.answers())
    await asyncio.gather(first, other)
    assert found == [("a", 1), ("b", 0)]  # B went between the two
    await made.close()
    with pytest.raises(Overloaded):
        await made.between(partial(part, "c"))
    assert empty(made)


async def test_the_lane_of_a_source_is_the_one_that_it_was_given(api18: Api) -> None:
    token = await source(api18)
    admin = api18.client()
    await admin.change_source("am", {"lane": "critical"})
    await api18.client(token).post_alerts(webhook(alert("A", "shop")))
    async with httpx.AsyncClient(base_url=api18.url) as http:
        told = (await http.get("/metrics")).text
    assert 'warroom_ingest_lane_waiting_alerts{lane="critical"} 0.0' in told
