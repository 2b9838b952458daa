"""The room of a lane is shared: whoever comes again without a pause keeps nobody out."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from warroom.api.lanes import LaneQueue, Waiting
from warroom.errors import Overloaded
from warroom.ingest.alertmanager_v2 import parse
from warroom.ingest.common import IngestOptions
from warroom.services.delivery import Delivery

GREEDY, CALM, OTHER = uuid4(), uuid4(), uuid4()
ROOM = 12
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def one(source: UUID, many: int = 1) -> Waiting:
    told = [{"labels": {"alertname": f"Slow {n}"}} for n in range(many)]
    delivery = Delivery(
        source, uuid4(), "alertmanager-v2", "application/json", b"{}",
        parse(json.dumps(told).encode(), IngestOptions(), NOW),
    )  # fmt: skip
    return delivery, asyncio.get_running_loop().create_future()


def fill(lane: LaneQueue, source: UUID) -> int:
    """Put in one after the other until one is refused; return how many there was room for."""
    for many in range(ROOM + 1):
        try:
            lane.put(one(source))
        except Overloaded:
            return many
    raise AssertionError("there is no end of room")


async def test_a_source_alone_may_fill_its_lane() -> None:
    lane = LaneQueue(ROOM, 1 << 20)
    assert fill(lane, GREEDY) == ROOM


async def test_who_is_refused_finds_room_when_it_comes_again() -> None:
    lane = LaneQueue(ROOM, 1 << 20)
    fill(lane, GREEDY)
    assert fill(lane, CALM) == 0
    for _ in range(ROOM // 2 + 1):  # as batches are stored, the greedy one tries to be first
        batch = lane.take(1)
        lane.done(batch)
        fill(lane, GREEDY)
    assert fill(lane, CALM) == ROOM // 2
    lane.check(OTHER)
    with pytest.raises(Overloaded, match=f"{ROOM} alerts wait already, 6 of this source"):
        lane.check(CALM)


async def test_three_have_a_third_each() -> None:
    lane = LaneQueue(ROOM, 1 << 20)
    lane.put(one(CALM))
    lane.put(one(OTHER))
    assert fill(lane, GREEDY) == ROOM // 3
    assert (fill(lane, CALM), fill(lane, OTHER)) == (3, 3)


async def test_nobody_is_held_to_a_part_while_half_of_the_room_is_free() -> None:
    lane = LaneQueue(40, 1 << 20)
    for _ in range(10):
        lane.put(one(uuid4()))
    for _ in range(10):
        lane.put(one(GREEDY))  # with a part of 40 // 11
    with pytest.raises(Overloaded):
        lane.put(one(GREEDY))


async def test_a_large_body_of_a_source_that_has_nothing_there_is_taken() -> None:
    lane = LaneQueue(ROOM, 1 << 20)
    lane.put(one(CALM))
    lane.put(one(GREEDY, ROOM - 1))
    assert lane.alerts == ROOM


async def test_what_is_counted_off_is_forgotten() -> None:
    lane = LaneQueue(ROOM, 1 << 20)
    lane.put(one(CALM, 3))
    lane.put(one(GREEDY, 2))
    lane.done(lane.take(ROOM))
    assert (lane.alerts, lane.bytes) == (0, 0)
    assert fill(lane, OTHER) == ROOM
